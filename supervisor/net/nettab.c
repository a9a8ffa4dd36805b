/* nettab.c: see nettab.h. */
#include "supervisor/net/nettab.h"

#include "common/plat/socket.h"
#include "supervisor/guest.h"
#include "supervisor/net/inet.h"
#include "supervisor/net/rtnl.h"
#include "supervisor/net/unix.h"

#define PROTO_TCP 6
#define TCP_ESTABLISHED 1
#define TCP_CLOSE       7
#define TCP_LISTEN      10
#define TCP_INFO        11 /* tcp(7): the first byte of its answer is the state */
#define TCP_WIDTH       149
#define UDP_WIDTH       127
#define SO_ACCEPTCON    0x10000u
#define RTF_UP          0x1u
#define RTF_GATEWAY     0x2u
#define RTF_HOST        0x4u
#define NAME_MAX_LEN    16

/* ---- sockets ---- */

/* An address and port as the tables show them: words in memory order, the port a number. */
static void put_name(struct seqbuf *s, int domain, const struct sock_addr *a)
{
	struct lx_sockaddr_in in = {0};
	struct lx_sockaddr_in6 in6 = {0};
	uint32_t word;
	uint16_t port;

	if (domain == LX_AF_INET) {
		memcpy(&in, a->bytes, MIN(a->len, sizeof(in)));
		memcpy(&word, &in.addr, 4);
		seq_printf(s, "%08X", word);
		port = in.port;
	} else {
		memcpy(&in6, a->bytes, MIN(a->len, sizeof(in6)));
		for (size_t i = 0; i < 16; i += 4) {
			memcpy(&word, (const uint8_t *)&in6.addr + i, 4);
			seq_printf(s, "%08X", word);
		}
		port = in6.port;
	}
	seq_printf(s, ":%04X", __builtin_bswap16(port));
}

/* Both families have the port in the same place. */
static bool has_port(const struct sock_addr *a)
{
	return a->len >= 4 && (a->bytes[2] || a->bytes[3]);
}

static unsigned tcp_state(struct socket *sock)
{
	uint8_t info[256] = {0};
	int r = sock->ops->getsockopt(NULL, sock, PROTO_TCP, TCP_INFO, info, sizeof(info));

	return r > 0 ? info[0] : TCP_CLOSE;
}

static void put_inet(struct seqbuf *s, unsigned number, struct socket *sock)
{
	struct sock_addr own = {.len = 0}, peer = {.len = 0};
	bool tcp = sock->type == LX_SOCK_STREAM;
	size_t start = s->len, width = tcp ? TCP_WIDTH : UDP_WIDTH;
	unsigned state;

	if (sock->ops->getname(NULL, sock, false, &own) < 0)
		return;
	if (sock->ops->getname(NULL, sock, true, &peer) < 0)
		peer.len = 0;
	state = tcp ? tcp_state(sock) : has_port(&peer) ? TCP_ESTABLISHED : TCP_CLOSE;
	/* What is neither bound nor connected is in no table. */
	if (tcp ? state == TCP_CLOSE : !has_port(&own))
		return;
	seq_printf(s, tcp ? "%4u: " : "%5u: ", number);
	put_name(s, sock->domain, &own);
	seq_puts(s, " ");
	put_name(s, sock->domain, &peer);
	seq_printf(s, " %02X 00000000:00000000 00:00000000 00000000 %5u        0 %llu %d 0000000000000000", state,
		   sock->uid, (unsigned long long)sock->ino, tcp ? 1 : 2);
	seq_puts(s, !tcp ? " 0" : state == TCP_LISTEN ? " 100 0 0 10 0" : " 20 4 0 10 -1");
	while (sock->domain == LX_AF_INET && s->len - start < width && !s->failed)
		seq_puts(s, " ");
	seq_puts(s, "\n");
}

int nettab_inet(struct guest *g, int domain, int type, struct seqbuf *s)
{
	struct inet_sock **socks;
	unsigned n, shown = 0;
	int r = inet_list(domain, type, &socks, &n);

	if (r < 0)
		return r;
	for (unsigned i = 0; i < n; i++) {
		size_t before = s->len;

		if (g->netd)
			put_inet(s, shown, &socks[i]->s);
		shown += s->len > before;
		inet_put(socks[i]);
	}
	free(socks);
	return 0;
}

static void put_unix(struct unix_sock *u, void *opaque)
{
	struct seqbuf *s = opaque;
	unsigned state, refs = __atomic_load_n(&u->refs, __ATOMIC_RELAXED);
	const struct unix_addr *a = u->addr;

	pthread_mutex_lock(&u->lock);
	state = u->state;
	pthread_mutex_unlock(&u->lock);
	seq_printf(s, "0000000000000000: %08X 00000000 %08X %04X %02X %5llu", refs + 1,
		   state == UNIX_LISTENING ? SO_ACCEPTCON : 0, (unsigned)u->s.type, state == UNIX_CONNECTED ? 3u : 1u,
		   (unsigned long long)u->s.ino);
	if (a && a->addr.len > 2) {
		const char *name = (const char *)a->addr.bytes + 2;
		size_t len = a->addr.len - 2;

		seq_puts(s, " ");
		if (name[0])
			len = strnlen(name, len);
		/* An abstract name is all its bytes; each zero shows as @. */
		for (size_t i = 0; i < len; i++)
			seq_write(s, name[i] ? &name[i] : "@", 1);
	}
	seq_puts(s, "\n");
}

int nettab_unix(struct seqbuf *s)
{
	unix_for_each(put_unix, s);
	return 0;
}

/* ---- what netd tells ---- */

/* A link's name by its index, out of the answer to RTM_GETLINK. */
static void link_name(const uint8_t *links, size_t links_len, int32_t index, char out[NAME_MAX_LEN])
{
	struct lx_ifinfomsg info;
	struct rtnl_msg m;
	size_t pos = 0, len;

	memcpy(out, "*", 2);
	while (rtnl_next(links, links_len, &pos, &m)) {
		const uint8_t *name;

		if (m.h.type != LX_RTM_NEWLINK || m.body_len < sizeof(info))
			continue;
		memcpy(&info, m.body, sizeof(info));
		name = rtnl_attr(&m, sizeof(info), LX_IFLA_IFNAME, &len);
		if (info.index != index || !name || len == 0)
			continue;
		memset(out, 0, NAME_MAX_LEN);
		memcpy(out, name, MIN(len, (size_t)NAME_MAX_LEN - 1));
		return;
	}
}

/* An attribute that is one 32-bit word; 0 if it is not there. */
static uint32_t word_attr(const struct rtnl_msg *m, size_t fixed, uint16_t type)
{
	size_t len;
	const uint8_t *at = rtnl_attr(m, fixed, type, &len);
	uint32_t word = 0;

	if (at && len == sizeof(word))
		memcpy(&word, at, sizeof(word));
	return word;
}

static void put_route(struct seqbuf *s, const struct rtnl_msg *m, const uint8_t *links, size_t links_len)
{
	struct lx_rtmsg rt;
	char name[NAME_MAX_LEN];
	uint32_t gateway, mask;
	unsigned flags = RTF_UP;

	if (m->h.type != LX_RTM_NEWROUTE || m->body_len < sizeof(rt))
		return;
	memcpy(&rt, m->body, sizeof(rt));
	/* The main table's unicast routes. */
	if (rt.family != LX_AF_INET || rt.table != LX_RT_TABLE_MAIN || rt.type != LX_RTN_UNICAST || rt.dst_len > 32)
		return;
	link_name(links, links_len, (int32_t)word_attr(m, sizeof(rt), LX_RTA_OIF), name);
	gateway = word_attr(m, sizeof(rt), LX_RTA_GATEWAY);
	mask = rt.dst_len ? __builtin_bswap32(UINT32_MAX << (32 - rt.dst_len)) : 0;
	flags |= (gateway ? RTF_GATEWAY : 0) | (rt.dst_len == 32 ? RTF_HOST : 0);
	seq_printf(s, "%s\t%08X\t%08X\t%04X\t0\t0\t%u\t%08X\t0\t0\t0", name, word_attr(m, sizeof(rt), LX_RTA_DST),
		   gateway, flags, word_attr(m, sizeof(rt), LX_RTA_PRIORITY), mask);
	seq_puts(s, "\n");
}

int nettab_route(struct guest *g, struct seqbuf *s)
{
	uint8_t *links, *routes = NULL;
	size_t links_len, routes_len, pos = 0;
	struct rtnl_msg m;
	int r = rtnl_fetch(g, LX_RTM_GETLINK, &links, &links_len);

	if (r == 0)
		r = rtnl_fetch(g, LX_RTM_GETROUTE, &routes, &routes_len);
	while (r == 0 && rtnl_next(routes, routes_len, &pos, &m))
		put_route(s, &m, links, links_len);
	free(routes);
	free(links);
	return r;
}

int nettab_dev(struct guest *g, struct seqbuf *s)
{
	uint8_t *links;
	size_t links_len, pos = 0, len;
	struct rtnl_msg m;
	int r = rtnl_fetch(g, LX_RTM_GETLINK, &links, &links_len);

	while (r == 0 && rtnl_next(links, links_len, &pos, &m)) {
		const uint8_t *name;

		if (m.h.type != LX_RTM_NEWLINK || m.body_len < sizeof(struct lx_ifinfomsg))
			continue;
		name = rtnl_attr(&m, sizeof(struct lx_ifinfomsg), LX_IFLA_IFNAME, &len);
		if (name && len > 0)
			seq_printf(s,
				   "%6.*s:       0       0    0    0    0     0          0         0        0"
				   "       0    0    0    0     0       0          0\n",
				   (int)strnlen((const char *)name, MIN(len, (size_t)NAME_MAX_LEN)), (const char *)name);
	}
	free(links);
	return r;
}

int nettab_if_inet6(struct guest *g, struct seqbuf *s)
{
	uint8_t *links, *addrs = NULL;
	size_t links_len, addrs_len, pos = 0, len;
	struct lx_ifaddrmsg info;
	struct rtnl_msg m;
	int r = rtnl_fetch(g, LX_RTM_GETLINK, &links, &links_len);

	if (r == 0)
		r = rtnl_fetch(g, LX_RTM_GETADDR, &addrs, &addrs_len);
	while (r == 0 && rtnl_next(addrs, addrs_len, &pos, &m)) {
		char name[NAME_MAX_LEN];
		const uint8_t *a;

		if (m.h.type != LX_RTM_NEWADDR || m.body_len < sizeof(info))
			continue;
		memcpy(&info, m.body, sizeof(info));
		a = rtnl_attr(&m, sizeof(info), LX_IFA_ADDRESS, &len);
		if (info.family != LX_AF_INET6 || !a || len != 16)
			continue;
		link_name(links, links_len, (int32_t)info.index, name);
		for (size_t i = 0; i < len; i++)
			seq_printf(s, "%02x", a[i]);
		/* The kernel's scope is 0x10 for the host, 0x20 for the link, 0 for the world. */
		seq_printf(s, " %02x %02x %02x %02x %8s\n", info.index, info.prefixlen,
			   info.scope == 254 ? 0x10u : info.scope == 253 ? 0x20u : 0u, info.flags, name);
	}
	free(addrs);
	free(links);
	return r;
}
