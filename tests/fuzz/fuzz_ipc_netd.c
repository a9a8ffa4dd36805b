/* fuzz_ipc_netd.c: the decoders generated from ops_netd.def. */
#include "ipc/netd.h"
#include "tests/lib/fuzz_codec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	fuzz_codec(&netd_service, data, size);
	return 0;
}
