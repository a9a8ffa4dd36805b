/* fuzz_codec.h: one input for the decoders of a service. */
#ifndef TESTS_LIB_FUZZ_CODEC_H
#define TESTS_LIB_FUZZ_CODEC_H

#include "ipc/schema.h"

/* Takes the bytes for a message body: decoding it either fails, or gives something that encodes
 * and decodes again.  Traps otherwise. */
void fuzz_codec(const struct ipc_service *service, const uint8_t *data, size_t size);

#endif
