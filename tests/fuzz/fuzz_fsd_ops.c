/*
 * fuzz_fsd_ops.c: a hostile supervisor: any sequence of operations with any numbers, names and
 * flags, on a session over one layer.  Nothing may appear beside the session's directories, and the
 * layer below must stay as it is.
 */
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/lx/fcntl.h"
#include "fsd/path.h"
#include "ipc/bulk.h"
#include "tests/lib/fsd_box.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct fsd_box box;
static struct ipc_bulk *bulk;

struct input {
	const uint8_t *p, *end;
};

static uint8_t byte(struct input *in)
{
	return in->p < in->end ? *in->p++ : 0;
}

static uint64_t number(struct input *in)
{
	uint8_t b = byte(in);
	uint64_t v = 0;

	if (b < 224)
		return b & 31;
	for (int i = 0; i < 8; i++)
		v = v << 8 | byte(in);
	return v;
}

static struct ipc_bytes bytes(struct input *in)
{
	static const char *const names[] = {"a",
	                                    "b",
	                                    "d",
	                                    "f",
	                                    "d2",
	                                    ".",
	                                    "..",
	                                    "user.x",
	                                    "security.x",
	                                    "user.overlay.opaque",
	                                    "user.containers.override_stat",
	                                    "c0",
	                                    "h2"};
	uint8_t b = byte(in);
	struct ipc_bytes out;

	if (b < 224)
		return ipc_bytes_of(names[b % ARRAY_LEN(names)]);
	out.data = in->p;
	out.len = MIN((uint32_t)byte(in), (uint32_t)(in->end - in->p));
	in->p += out.len;
	return out;
}

#define N   number(in)
#define N32 ((uint32_t)number(in))
#define B   bytes(in)
#define OP(op, ...)                                                 \
	do {                                                        \
		struct fsd_##op##_req req = {__VA_ARGS__};          \
		struct fsd_##op##_rep rep = {0};                    \
		fsd_do_##op(&box.session, &req, &rep, &none, &out); \
	} while (0)

static void one(struct input *in)
{
	struct ipc_fds none = {.count = 0}, out = {.count = 0};

	switch (byte(in) % 26) {
	case 0:
		OP(lookup, N, B);
		break;
	case 1:
		OP(getattr, N);
		break;
	case 2:
		OP(setattr, .node = N, .handle = N, .mask = N32, .mode = N32, .uid = N32,
		   .gid = N32, .size = N & 0xfffff, .atime = (int64_t)N, .mtime = (int64_t)N);
		break;
	case 3:
		OP(open, N, N32);
		break;
	case 4:
		OP(create, .dir = N, .name = B, .open_flags = N32, .mode = N32, .uid = N32,
		   .gid = N32);
		break;
	case 5:
		OP(close, N);
		break;
	case 6:
		OP(forget, B);
		break;
	case 7:
		OP(read, .handle = N, .offset = N, .len = N32, .bulk_off = N, .bulk_len = N32);
		break;
	case 8:
		OP(write, .handle = N, .offset = N & 0xfffff, .append = byte(in) & 1, .data = B,
		   .bulk_off = N, .bulk_len = N32 & 0xffff);
		break;
	case 9:
		OP(fsync, N, true);
		break;
	case 10:
		OP(fallocate, N, N32, N & 0xfffff, N & 0xfffff);
		break;
	case 11:
		OP(lseek, N, N, N32);
		break;
	case 12:
		OP(copy_range, N, N & 0xfffff, N, N & 0xfffff, N & 0xfffff);
		break;
	case 13:
		OP(readdir, N, N, N32);
		break;
	case 14:
		OP(mkdir, .dir = N, .name = B, .mode = N32);
		break;
	case 15:
		OP(mknod, .dir = N, .name = B, .mode = (uint32_t)byte(in) << 12 | 0600, .rdev = N);
		break;
	case 16:
		OP(symlink, .dir = N, .name = B, .target = B, .uid = N32);
		break;
	case 17:
		OP(link, N, N, B);
		break;
	case 18:
		OP(unlink, N, B);
		break;
	case 19:
		OP(rmdir, N, B);
		break;
	case 20:
		OP(rename, N, B, N, B, N32 & 7);
		break;
	case 21:
		OP(readlink, N);
		OP(statfs, N);
		break;
	case 22:
		OP(getxattr, N, B, N32);
		OP(listxattr, N);
		break;
	case 23:
		OP(setxattr, N, B, B, N32 & 7);
		break;
	case 24:
		OP(removexattr, N, B);
		break;
	default:
		OP(tmpfile, .dir = N, .open_flags = N32, .mode = N32);
		break;
	}
	ipc_fds_close(&out);
	session_tidy(&box.session);
}

static void start(void)
{
	uint64_t h;
	int fd;

	umask(0);
	box_init(&box);
	box_open(&box);
	if (box_mkdir(&box, "d", 0755) || box_mkdir(&box, "d/d2", 0755) ||
	    box_symlink(&box, "f", "a", 0) ||
	    box_open_file(&box, "d/f", LX_O_CREAT | LX_O_WRONLY, 0644, &h, NULL) ||
	    box_close_file(&box, h) || box_write(&box, "d/f", 0, "lower") != 5 ||
	    box_link(&box, "d/f", "b"))
		__builtin_trap();
	box_seal(&box);
	if (ipc_bulk_create(IPC_BULK_SIZE, &bulk, &fd) < 0)
		__builtin_trap();
	close(fd);
}

/* What must be the same after every input. */
static void check(void)
{
	struct stat st;
	char text[8];
	int fd = openat(box.fd, "l0/d/f", O_RDONLY | O_NOFOLLOW);

	if (fd < 0 || read(fd, text, sizeof(text)) != 5 || memcmp(text, "lower", 5) != 0)
		__builtin_trap();
	if (fstat(fd, &st) < 0 || st.st_nlink != 2)
		__builtin_trap();
	close(fd);
	if (fstatat(box.fd, "l0/d/d2", &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISDIR(st.st_mode))
		__builtin_trap();
	/* l0, upper, work, links, and nothing else. */
	if (fstat(box.fd, &st) < 0 || st.st_nlink != 6)
		__builtin_trap();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = {data, data + size};

	if (!bulk)
		start();
	box_open(&box);
	box.session.bulk = bulk;
	for (int i = 0; in.p < in.end && i < 200; i++)
		one(&in);
	box_close(&box);
	check();
	if (path_remove_tree(box.fd, "upper") < 0 || path_remove_tree(box.fd, "links") < 0 ||
	    path_remove_tree(box.fd, "work") < 0)
		__builtin_trap();
	return 0;
}
