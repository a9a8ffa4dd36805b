/* poll.h: the readiness of one descriptor, in the guest's POLL bits. */
#ifndef COMMON_PLAT_POLL_H
#define COMMON_PLAT_POLL_H

#include "common/base.h"

/* What fd is ready for now (LX_POLL*), without waiting. */
uint32_t plat_poll_now(int fd);

#endif
