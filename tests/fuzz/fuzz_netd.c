/*
 * fuzz_netd.c: a hostile supervisor's session with netd: any sequence of operations with any
 * numbers, addresses, options and control messages, on real sockets in a network of their own that
 * has nothing but a loopback.  Without permission to make such a network nothing may be named.
 */
#include <unistd.h>

#include "common/evloop.h"
#include "common/lx/socket.h"
#include "common/plat/socket.h"
#include "netd/session.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CALLS_MAX   64
#define HANDLES_MAX 16u

static struct netd_session session;

struct input {
	const uint8_t *p, *end;
	uint64_t handle[4];
	unsigned handles;
};

static uint8_t byte(struct input *in)
{
	return in->p < in->end ? *in->p++ : 0;
}

static uint64_t number(struct input *in)
{
	uint8_t b = byte(in);
	uint64_t v = 0;

	if (b < 0xe0)
		return b & 0x7f;
	for (int i = 0; i < (b < 0xf0 ? 4 : 8); i++)
		v = v << 8 | byte(in);
	return v;
}

static uint64_t handle(struct input *in)
{
	uint8_t b = byte(in);

	return b < 0xf0 ? in->handle[b % ARRAY_LEN(in->handle)] : number(in);
}

static struct ipc_bytes bytes(struct input *in)
{
	struct ipc_bytes out = {.data = in->p};

	out.len = MIN((uint32_t)byte(in), (uint32_t)(in->end - in->p));
	out.data = in->p;
	in->p += out.len;
	return out;
}

/* Mostly an address of the loopback; no longer than the schema permits. */
static struct ipc_bytes address(struct input *in)
{
	static struct lx_sockaddr_in in4;
	static struct lx_sockaddr_in6 in6;
	struct ipc_bytes out;
	uint8_t b = byte(in);

	if (b < 0x60) {
		in4 = (struct lx_sockaddr_in){.family = LX_AF_INET,
					      .port = (uint16_t)(0x1000 + b % 4),
					      .addr = {127, 0, 0, 1}};
		out = (struct ipc_bytes){(const uint8_t *)&in4, sizeof(in4)};
	} else if (b < 0xa0) {
		in6 = (struct lx_sockaddr_in6){.family = LX_AF_INET6, .port = (uint16_t)(0x1000 + b % 4)};
		in6.addr[15] = 1;
		out = (struct ipc_bytes){(const uint8_t *)&in6, sizeof(in6)};
	} else {
		out = bytes(in);
		out.len = MIN(out.len, LX_SOCKADDR_MAX);
	}
	return out;
}

static void keep(struct input *in, uint64_t h)
{
	in->handle[in->handles++ % ARRAY_LEN(in->handle)] = h;
}

#define N   number(in)
#define N32 ((uint32_t)number(in))
#define OP(op, ...)                                                                    \
	({                                                                             \
		struct netd_##op##_req req = {__VA_ARGS__};                            \
		struct netd_##op##_rep rep = {0};                                      \
		if (netd_do_##op(&session, &req, &rep, &none, &out) < 0)               \
			memset(&rep, 0, sizeof(rep));                                  \
		rep;                                                                   \
	})

static void one(struct input *in)
{
	static const uint32_t domains[] = {LX_AF_INET, LX_AF_INET6};
	static const uint32_t types[] = {LX_SOCK_STREAM, LX_SOCK_DGRAM};
	struct ipc_fds none = {.count = 0}, out = {.count = 0};
	uint8_t b = byte(in);

	switch (b % 16) {
	case 0:
		keep(in, OP(socket, .domain = domains[b >> 4 & 1], .type = types[b >> 5 & 1]).handle);
		break;
	case 1:
		keep(in, OP(socket, .domain = N32, .type = N32, .protocol = N32).handle);
		break;
	case 2:
		OP(bind, .handle = handle(in), .addr = address(in));
		break;
	case 3:
		OP(connect, .handle = handle(in), .addr = address(in));
		break;
	case 4:
		OP(listen, .handle = handle(in), .backlog = N32);
		break;
	case 5:
		keep(in, OP(accept, .handle = handle(in)).handle);
		break;
	case 6:
		OP(close, .handle = handle(in));
		break;
	case 7:
		OP(getsockname, .handle = handle(in));
		OP(getpeername, .handle = handle(in));
		break;
	case 8:
		OP(setsockopt, .handle = handle(in), .level = N32, .name = N32, .value = bytes(in));
		break;
	case 9:
		OP(getsockopt, .handle = handle(in), .level = N32, .name = N32, .max = N32);
		break;
	case 10:
		OP(shutdown, .handle = handle(in), .how = N32);
		break;
	case 11:
		OP(sendmsg, .handle = handle(in), .flags = N32, .addr = address(in), .control = bytes(in),
		   .data = bytes(in));
		break;
	case 12:
		OP(sendmsg, .handle = handle(in), .flags = N32, .addr = address(in), .bulk_off = N,
		   .bulk_len = N32);
		break;
	case 13:
		OP(recvmsg, .handle = handle(in), .flags = N32, .max_data = N32, .max_control = N32,
		   .bulk_off = N, .bulk_len = N32);
		break;
	case 14:
		OP(ioctl_int, .handle = handle(in), .request = N32);
		OP(interfaces, .what = N32);
		break;
	default:
		OP(ready, .handle = handle(in));
	}
	ipc_fds_close(&out);
}

static void start(void)
{
	int fd;

	session.config = (struct netd_session_config){.mode = NETD_NONE, .max_handles = HANDLES_MAX};
	session.data = malloc(NETD_DATA_MAX + LX_SOCKADDR_MAX);
	session.control = malloc(NETD_DUMP_MAX);
	session.unreachable = plat_private_network() < 0;
	if (!session.data || !session.control || evloop_new(&session.loop) < 0 ||
	    ipc_bulk_create(IPC_BULK_SIZE, &session.config.bulk, &fd) < 0)
		__builtin_trap();
	close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = {.p = data, .end = data + size};

	if (!session.data)
		start();
	session.config.strict = size & 1;
	for (int i = 0; in.p < in.end && i < CALLS_MAX; i++)
		one(&in);
	netd_sock_close_all(&session);
	if (session.open_count != 0)
		__builtin_trap();
	return 0;
}
