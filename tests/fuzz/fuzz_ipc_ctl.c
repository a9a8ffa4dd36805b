/* fuzz_ipc_ctl.c: the decoders generated from ops_ctl.def. */
#include "ipc/ctl.h"
#include "tests/lib/fuzz_codec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	fuzz_codec(&ctl_service, data, size);
	return 0;
}
