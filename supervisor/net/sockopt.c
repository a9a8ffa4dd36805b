/*
 * sockopt.c: the options of SOL_SOCKET (socket(7)) that all families keep in the same way, and
 * the way on to a family's own.
 */
#include "common/lx/capability.h"
#include "supervisor/net/socket.h"
#include "supervisor/task/task.h"

#define BUF_MAX    425984u /* twice net.core.wmem_max, as setsockopt doubles */
#define SNDBUF_MIN 4608u
#define RCVBUF_MIN 2304u

/* Options that are an int, kept as a bit and otherwise without effect in the supervisor. */
static bool is_flag(int name)
{
	switch (name) {
	case LX_SO_DEBUG:
	case LX_SO_REUSEADDR:
	case LX_SO_DONTROUTE:
	case LX_SO_BROADCAST:
	case LX_SO_KEEPALIVE:
	case LX_SO_OOBINLINE:
	case LX_SO_NO_CHECK:
	case LX_SO_REUSEPORT:
	case LX_SO_TIMESTAMP:
		return true;
	default:
		return false;
	}
}

/* struct timeval of two 64-bit fields, which both the old and the new option take here. */
static int set_timeout(int64_t *timeout, const void *value, uint32_t len)
{
	int64_t tv[2], ns;

	if (len < sizeof(tv))
		return -LX_EINVAL;
	memcpy(tv, value, sizeof(tv));
	if (tv[1] < 0 || tv[1] >= 1000000)
		return -LX_EDOM;
	if (tv[0] < 0)
		ns = 0;
	else if (mul_overflows(tv[0], 1000000000, &ns) || add_overflows(ns, tv[1] * 1000, &ns))
		ns = 0;
	*timeout = ns;
	return 0;
}

static int get_timeout(int64_t timeout, void *value, uint32_t max)
{
	int64_t tv[2] = {timeout / 1000000000, timeout % 1000000000 / 1000};

	memcpy(value, tv, MIN(max, (uint32_t)sizeof(tv)));
	return (int)MIN(max, (uint32_t)sizeof(tv));
}

static uint32_t buffer_size(int asked, uint32_t min, bool force)
{
	uint32_t v = asked < 0 ? 0 : (uint32_t)asked;

	if (!force)
		v = MIN(v, BUF_MAX / 2);
	v = MIN(v, (uint32_t)INT32_MAX / 2);
	return MAX(v * 2, min);
}

static int set_int(struct task *t, struct socket *s, int name, int v)
{
	bool force = name == LX_SO_SNDBUFFORCE || name == LX_SO_RCVBUFFORCE;

	if (force && !cred_capable(t->cred, LX_CAP_NET_ADMIN))
		return -LX_EPERM;
	if (is_flag(name)) {
		uint32_t bit = 1u << name;

		s->bool_options = v ? s->bool_options | bit : s->bool_options & ~bit;
		return 0;
	}
	switch (name) {
	case LX_SO_SNDBUF:
	case LX_SO_SNDBUFFORCE:
		s->sndbuf = buffer_size(v, SNDBUF_MIN, force);
		return 0;
	case LX_SO_RCVBUF:
	case LX_SO_RCVBUFFORCE:
		s->rcvbuf = buffer_size(v, RCVBUF_MIN, force);
		return 0;
	case LX_SO_RCVLOWAT:
		s->rcvlowat = v < 0 ? INT32_MAX : MAX((uint32_t)v, 1u);
		return 0;
	case LX_SO_PRIORITY:
		if ((v < 0 || v > 6) && !cred_capable(t->cred, LX_CAP_NET_ADMIN))
			return -LX_EPERM;
		s->priority = (uint32_t)v;
		return 0;
	case LX_SO_MARK:
		if (!cred_capable(t->cred, LX_CAP_NET_ADMIN))
			return -LX_EPERM;
		s->mark = (uint32_t)v;
		return 0;
	case LX_SO_PASSCRED:
		s->passcred = v != 0;
		return 0;
	case LX_SO_TYPE:
	case LX_SO_ERROR:
	case LX_SO_DOMAIN:
	case LX_SO_PROTOCOL:
	case LX_SO_ACCEPTCONN:
	case LX_SO_PEERCRED:
		return -LX_ENOPROTOOPT;
	default:
		return 1; /* not one of these */
	}
}

int socket_setsockopt(struct task *t, struct socket *s, int level, int name, const void *value,
                      uint32_t len)
{
	int v = 0, r = 1;

	/* A family with options of its own sees all of them first. */
	if (s->ops->setsockopt) {
		r = s->ops->setsockopt(t, s, level, name, value, len);
		if (r != 1)
			return r;
	}
	if (level != LX_SOL_SOCKET)
		return -LX_EOPNOTSUPP;
	switch (name) {
	case LX_SO_RCVTIMEO:
	case LX_SO_RCVTIMEO_NEW:
		return set_timeout(&s->recv_timeout, value, len);
	case LX_SO_SNDTIMEO:
	case LX_SO_SNDTIMEO_NEW:
		return set_timeout(&s->send_timeout, value, len);
	case LX_SO_LINGER:
		if (len < sizeof(s->linger))
			return -LX_EINVAL;
		memcpy(&s->linger, value, sizeof(s->linger));
		return 0;
	case LX_SO_DETACH_FILTER:
		return -LX_ENOENT;
	default:
		break;
	}
	if (len < sizeof(v))
		return -LX_EINVAL;
	memcpy(&v, value, sizeof(v));
	r = set_int(t, s, name, v);
	return r == 1 ? -LX_ENOPROTOOPT : r;
}

static int get_int(struct socket *s, int name, int *v)
{
	if (is_flag(name)) {
		*v = s->bool_options >> name & 1;
		return 0;
	}
	switch (name) {
	case LX_SO_TYPE:
		*v = s->type;
		return 0;
	case LX_SO_DOMAIN:
		*v = s->domain;
		return 0;
	case LX_SO_PROTOCOL:
		*v = s->protocol;
		return 0;
	case LX_SO_SNDBUF:
		*v = (int)s->sndbuf;
		return 0;
	case LX_SO_RCVBUF:
		*v = (int)s->rcvbuf;
		return 0;
	case LX_SO_RCVLOWAT:
		*v = (int)s->rcvlowat;
		return 0;
	case LX_SO_SNDLOWAT:
		*v = 1;
		return 0;
	case LX_SO_PRIORITY:
		*v = (int)s->priority;
		return 0;
	case LX_SO_MARK:
		*v = (int)s->mark;
		return 0;
	case LX_SO_PASSCRED:
		*v = s->passcred;
		return 0;
	case LX_SO_ERROR:
	case LX_SO_ACCEPTCONN:
	case LX_SO_PASSSEC:
	case LX_SO_TIMESTAMPNS:
	case LX_SO_TIMESTAMPING:
	case LX_SO_RXQ_OVFL:
	case LX_SO_ZEROCOPY:
		*v = 0;
		return 0;
	case LX_SO_PEEK_OFF:
		*v = -1;
		return 0;
	default:
		return -LX_ENOPROTOOPT;
	}
}

int socket_getsockopt(struct task *t, struct socket *s, int level, int name, void *value,
                      uint32_t max)
{
	int v, r = 1;
	uint64_t cookie = s->ino;

	if (s->ops->getsockopt) {
		r = s->ops->getsockopt(t, s, level, name, value, max);
		if (r != -LX_ENOSYS)
			return r;
	}
	if (level != LX_SOL_SOCKET)
		return -LX_EOPNOTSUPP;
	switch (name) {
	case LX_SO_RCVTIMEO:
	case LX_SO_RCVTIMEO_NEW:
		return get_timeout(s->recv_timeout, value, max);
	case LX_SO_SNDTIMEO:
	case LX_SO_SNDTIMEO_NEW:
		return get_timeout(s->send_timeout, value, max);
	case LX_SO_LINGER:
		memcpy(value, &s->linger, MIN(max, (uint32_t)sizeof(s->linger)));
		return (int)MIN(max, (uint32_t)sizeof(s->linger));
	case LX_SO_COOKIE:
		if (max < sizeof(cookie))
			return -LX_EINVAL;
		memcpy(value, &cookie, sizeof(cookie));
		return sizeof(cookie);
	default:
		break;
	}
	r = get_int(s, name, &v);
	if (r < 0)
		return r;
	memcpy(value, &v, MIN(max, (uint32_t)sizeof(v)));
	return (int)MIN(max, (uint32_t)sizeof(v));
}
