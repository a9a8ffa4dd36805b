/* rtnl.c: see rtnl.h. */
#include "supervisor/net/rtnl.h"

#include "common/lx/errno.h"
#include "ipc/netd.h"
#include "supervisor/guest.h"
#include "supervisor/net/inet.h"

int rtnl_fetch(struct guest *g, unsigned what, uint8_t **out, size_t *len)
{
	struct netd_interfaces_rep rep;
	struct ipc_reply reply;
	int64_t r;

	*out = NULL;
	*len = 0;
	if (!g->netd)
		return 0;
	r = netd_call_interfaces(g->netd, &(struct netd_interfaces_req){what}, &rep, &reply);
	if (r < 0)
		return (int)inet_error(r);
	*out = malloc(rep.messages.len ? rep.messages.len : 1);
	if (*out && rep.messages.len > 0)
		memcpy(*out, rep.messages.data, rep.messages.len);
	*len = rep.messages.len;
	ipc_reply_release(&reply);
	return *out ? 0 : -LX_ENOMEM;
}

bool rtnl_next(const uint8_t *buf, size_t len, size_t *pos, struct rtnl_msg *out)
{
	if (*pos >= len || len - *pos < sizeof(out->h))
		return false;
	out->at = buf + *pos;
	memcpy(&out->h, out->at, sizeof(out->h));
	if (out->h.len < sizeof(out->h) || out->h.len > len - *pos)
		return false;
	out->body = out->at + sizeof(out->h);
	out->body_len = out->h.len - sizeof(out->h);
	*pos += MIN(LX_NLMSG_ALIGN((size_t)out->h.len), len - *pos);
	return true;
}

const uint8_t *rtnl_attr(const struct rtnl_msg *m, size_t fixed, uint16_t type, size_t *len)
{
	size_t at = fixed;

	while (at < m->body_len && m->body_len - at >= sizeof(struct lx_rtattr)) {
		struct lx_rtattr a;

		memcpy(&a, m->body + at, sizeof(a));
		if (a.len < sizeof(a) || a.len > m->body_len - at)
			return NULL;
		/* The two highest bits are flags. */
		if ((a.type & 0x3fff) == type) {
			*len = a.len - sizeof(a);
			return m->body + at + sizeof(a);
		}
		at += MIN(LX_NLMSG_ALIGN((size_t)a.len), m->body_len - at);
	}
	return NULL;
}
