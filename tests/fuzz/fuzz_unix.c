/*
 * fuzz_unix.c: AF_UNIX sockets under random sequences of operations: each input byte pair is one
 * call on one of a few sockets.  The sanitizers judge; at the end nothing may be left.
 */
#include "common/lx/errno.h"
#include "supervisor/guest.h"
#include "supervisor/net/unix.h"
#include "supervisor/task/task.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define SOCKETS 6u

static struct guest guest;
static struct cred root = {.refs = 1000, .cap_effective = UINT64_MAX};
static struct tgroup group = {.tgid = 7, .guest = &guest};
static struct task task = {.guest = &guest, .group = &group, .cred = &root, .tid = 7};

static const int types[] = {LX_SOCK_STREAM, LX_SOCK_DGRAM, LX_SOCK_SEQPACKET, LX_SOCK_STREAM};

static struct file *files[SOCKETS];

static void put(unsigned i)
{
	if (files[i])
		file_put(files[i]);
	files[i] = NULL;
}

static void enter(unsigned i, struct socket *s)
{
	put(i);
	if (socket_file(s, 0, &files[i]) < 0)
		files[i] = NULL;
}

static int64_t transfer(struct socket *s, bool send, uint32_t n, uint32_t flags, struct file *carry,
                        const struct sock_addr *to)
{
	static uint8_t buf[255 * 300];
	struct sock_msg m = {.flags = flags | LX_MSG_DONTWAIT | LX_MSG_NOSIGNAL};
	struct uio u;
	int64_t r;

	uio_init_kernel(&u, buf, n);
	m.u = &u;
	if (to)
		m.name = *to;
	if (carry) {
		m.files = calloc(LX_SCM_MAX_FD, sizeof(*m.files));
		if (!m.files)
			return 0;
		m.files[m.nfiles++] = file_get(carry);
	}
	r = send ? s->ops->sendmsg(&task, s, &m) : s->ops->recvmsg(&task, s, &m);
	cmsg_release(&m);
	uio_release(&u);
	return r;
}

static struct sock_addr name_of(unsigned i)
{
	struct sock_addr a = {.family = LX_AF_UNIX, .len = 4};

	a.bytes[3] = (uint8_t)('a' + i % 4);
	return a;
}

static void make(unsigned i, unsigned arg)
{
	struct socket *s[2];
	int type = types[arg % 4];

	if (arg & 8) {
		if (unix_pair(&task, type, s) == 0) {
			enter(i, s[0]);
			enter((i + 1) % SOCKETS, s[1]);
		}
	} else if (unix_new(&guest, type, s) == 0) {
		enter(i, s[0]);
	}
}

static void act(unsigned op, unsigned i, unsigned arg)
{
	struct socket *s = files[i] ? socket_of_file(files[i]) : NULL, *n;
	struct file *other = files[arg % SOCKETS];
	struct sock_addr a = name_of(arg);
	int r = 0;

	if (op == 0) {
		make(i, arg);
		return;
	}
	if (!s)
		return;
	switch (op) {
	case 1:
		put(i);
		break;
	case 2:
		r = s->ops->bind(&task, s, &a);
		break;
	case 3:
		r = s->ops->listen(&task, s, (int)(arg % 3));
		break;
	case 4:
		r = s->ops->connect(&task, s, &a, true);
		break;
	case 5:
		if (s->ops->accept(&task, s, true, &n, &a) == 0)
			enter(arg % SOCKETS, n);
		break;
	case 6:
		r = (int)transfer(s, true, arg & 1 ? arg : arg * 300, 0, NULL, arg & 2 ? &a : NULL);
		break;
	case 7:
		r = (int)transfer(s, true, 1, 0, other, NULL);
		break;
	case 8:
		r = (int)transfer(s, false, arg & 1 ? arg : arg * 300, arg & 2 ? LX_MSG_PEEK : 0,
		                  NULL, NULL);
		break;
	case 9:
		r = s->ops->shutdown(&task, s, (int)(arg % 3));
		break;
	case 10:
		s->passcred = arg & 1;
		r = s->ops->getname(&task, s, arg & 2, &a);
		break;
	default:
		r = (int)files[i]->ops->poll(files[i], NULL);
	}
	(void)r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	for (size_t i = 0; i + 1 < size && i < 2000; i += 2)
		act(data[i] % 12, data[i] / 12 % SOCKETS, data[i + 1]);
	for (unsigned i = 0; i < SOCKETS; i++)
		put(i);
	unix_collect_garbage();
	if (!unix_nothing_left())
		__builtin_trap();
	return 0;
}
