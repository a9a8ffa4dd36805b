/*
 * errno.c: host errno -> Linux errno.  On Linux hosts the numbers coincide on the architectures
 * we know, but nothing relies on that: everything goes through the table, whose index is the
 * host's number and whose content is Linux's generic numbering.
 */
#include "common/plat/errno.h"

static const uint8_t from_host[256] = {
#define LX_ERRNO(name, number, text) [name] = (number),
#ifdef __linux__
#define LX_ERRNO_LINUX(name, number, text) [name] = (number),
#else
#define LX_ERRNO_LINUX(name, number, text)
#endif
#include "common/lx/errno.def"
#undef LX_ERRNO
#undef LX_ERRNO_LINUX
#ifdef __APPLE__
    [ENOATTR] = LX_ENODATA,  [ENOTSUP] = LX_EOPNOTSUPP, [EPROCLIM] = LX_EAGAIN,
    [EFTYPE] = LX_EINVAL,    [EAUTH] = LX_EPERM,        [ENEEDAUTH] = LX_EPERM,
    [EBADEXEC] = LX_ENOEXEC, [EBADARCH] = LX_ENOEXEC,   [EBADMACHO] = LX_ENOEXEC,
#endif
};

int plat_errno(int host_errno)
{
	if (host_errno <= 0 || (size_t)host_errno >= ARRAY_LEN(from_host) ||
	    from_host[host_errno] == 0)
		return -LX_EIO;
	return -from_host[host_errno];
}
