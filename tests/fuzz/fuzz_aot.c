/*
 * fuzz_aot.c: wishes for translations, as a supervisor that its guest owns would forge them, and a
 * file of translations that has been damaged.
 */
#include <sys/mman.h>
#include <unistd.h>

#include "vcpu/aot.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The first byte says what the rest is. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int wishes, old, out;

	if (size < 1)
		return 0;
	wishes = memfd_create("wishes", MFD_CLOEXEC);
	old = memfd_create("old", MFD_CLOEXEC);
	out = memfd_create("out", MFD_CLOEXEC);
	if (write(data[0] & 1 ? old : wishes, data + 1, size - 1) < 0 ||
	    vcpu_aot_make(wishes, old, out) < 0)
		size = 0; /* refused, as it should be */
	close(wishes);
	close(old);
	close(out);
	return 0;
}
