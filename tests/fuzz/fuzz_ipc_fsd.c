/* fuzz_ipc_fsd.c: the decoders generated from ops_fsd.def. */
#include "ipc/fsd.h"
#include "tests/lib/fuzz_codec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	fuzz_codec(&fsd_service, data, size);
	return 0;
}
