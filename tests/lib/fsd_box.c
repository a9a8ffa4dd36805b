/* fsd_box.c: see fsd_box.h.  Failures of the fixture itself end the test program. */
#include "tests/lib/fsd_box.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/lx/errno.h"
#include "common/lx/fcntl.h"
#include "fsd/path.h"

static void need(bool ok, const char *what)
{
	if (ok)
		return;
	perror(what);
	exit(99);
}

static int sub(int dir, const char *name)
{
	int fd;

	mkdirat(dir, name, 0700);
	fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	need(fd >= 0, name);
	return fd;
}

void box_init(struct fsd_box *b)
{
	*b = (struct fsd_box){.dir = "/tmp/carrick-box-XXXXXX"};
	need(mkdtemp(b->dir) != NULL, "mkdtemp");
	b->fd = open(b->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	need(b->fd >= 0, b->dir);
}

void box_open(struct fsd_box *b)
{
	struct mount *m;
	char name[16];

	need(session_init(&b->session, 1) == 0, "session_init");
	m = &b->session.mounts[0];
	if (!b->no_upper) {
		struct meta meta = {.mode = S_IFDIR | 0755};
		DIR *links;

		m->has_upper = true;
		m->layer[m->layer_count++].fd = sub(b->fd, "upper");
		m->work.temp = sub(b->fd, "work");
		m->work.links = sub(b->fd, "links");
		need(meta_write_fd(m->layer[0].fd, &meta) == 0, "meta");
		links = fdopendir(dup(m->work.links));
		for (struct dirent *e; links && (e = readdir(links));)
			m->work.link_count += e->d_name[0] != '.';
		closedir(links);
	}
	for (unsigned i = b->lowers; i-- > 0;) {
		snprintf(name, sizeof(name), "l%u", i);
		m->layer[m->layer_count++].fd = sub(b->fd, name);
	}
	b->session.strict = b->strict;
	need(session_add_root(&b->session, m) == 0, "session_add_root");
	b->open = true;
}

void box_close(struct fsd_box *b)
{
	if (!b->open)
		return;
	session_release(&b->session);
	b->open = false;
}

void box_seal(struct fsd_box *b)
{
	char name[16];

	box_close(b);
	snprintf(name, sizeof(name), "l%u", b->lowers++);
	need(renameat(b->fd, "upper", b->fd, name) == 0, "seal");
	need(path_remove_tree(b->fd, "links") == 0, "links");
}

void box_release(struct fsd_box *b)
{
	box_close(b);
	need(path_remove_contents(b->fd) == 0, "remove");
	close(b->fd);
	rmdir(b->dir);
}

static int64_t lookup(struct fsd_box *b, uint64_t dir, const char *name, size_t len,
                      struct fsd_lookup_rep *rep)
{
	struct fsd_lookup_req req = {.dir = dir, .name = {(const uint8_t *)name, (uint32_t)len}};
	struct ipc_fds none = {.count = 0};

	return fsd_do_lookup(&b->session, &req, rep, &none, &none);
}

int64_t box_node(struct fsd_box *b, const char *path, uint64_t *node)
{
	*node = 1;
	while (*path) {
		size_t len = strcspn(path, "/");
		struct fsd_lookup_rep rep;
		int64_t r = lookup(b, *node, path, len, &rep);

		if (r < 0)
			return r;
		*node = rep.node;
		path += len + (path[len] == '/');
	}
	return 0;
}

/* The parent's node and the last component. */
static int64_t parent(struct fsd_box *b, const char *path, uint64_t *dir, struct ipc_bytes *name)
{
	const char *slash = strrchr(path, '/');
	char up[4096];

	*name = ipc_bytes_of(slash ? slash + 1 : path);
	snprintf(up, sizeof(up), "%.*s", slash ? (int)(slash - path) : 0, path);
	return box_node(b, up, dir);
}

int64_t box_stat(struct fsd_box *b, const char *path, struct ipc_attr *attr)
{
	struct fsd_getattr_req req;
	struct fsd_getattr_rep rep;
	struct ipc_fds none = {.count = 0};
	int64_t r = box_node(b, path, &req.node);

	if (r == 0)
		r = fsd_do_getattr(&b->session, &req, &rep, &none, &none);
	if (r == 0)
		*attr = rep.attr;
	return r;
}

#define BY_NAME(op, path, ...)                                          \
	struct fsd_##op##_req req = {__VA_ARGS__};                      \
	struct fsd_##op##_rep rep;                                      \
	struct ipc_fds none = {.count = 0};                             \
	int64_t r = parent(b, (path), &req.dir, &req.name);             \
	if (r == 0)                                                     \
		r = fsd_do_##op(&b->session, &req, &rep, &none, &none); \
	return r

int64_t box_mkdir(struct fsd_box *b, const char *path, uint32_t mode)
{
	BY_NAME(mkdir, path, .mode = mode);
}

int64_t box_mknod(struct fsd_box *b, const char *path, uint32_t mode, uint64_t rdev)
{
	BY_NAME(mknod, path, .mode = mode, .rdev = rdev);
}

int64_t box_symlink(struct fsd_box *b, const char *target, const char *path, uint32_t uid)
{
	BY_NAME(symlink, path, .target = ipc_bytes_of(target), .uid = uid, .gid = uid);
}

int64_t box_unlink(struct fsd_box *b, const char *path)
{
	BY_NAME(unlink, path, .dir = 0);
}

int64_t box_rmdir(struct fsd_box *b, const char *path)
{
	BY_NAME(rmdir, path, .dir = 0);
}

int64_t box_link(struct fsd_box *b, const char *from, const char *to)
{
	uint64_t node;
	int64_t found = box_node(b, from, &node);

	if (found < 0)
		return found;
	{
		BY_NAME(link, to, .node = node);
	}
}

int64_t box_rename(struct fsd_box *b, const char *from, const char *to, uint32_t flags)
{
	struct fsd_rename_req req = {.flags = flags};
	struct fsd_rename_rep rep;
	struct ipc_fds none = {.count = 0};
	int64_t r = parent(b, from, &req.from_dir, &req.from_name);

	if (r == 0)
		r = parent(b, to, &req.to_dir, &req.to_name);
	return r < 0 ? r : fsd_do_rename(&b->session, &req, &rep, &none, &none);
}

int64_t box_open_file(struct fsd_box *b, const char *path, uint32_t flags, uint32_t mode,
                      uint64_t *handle, int *fd)
{
	struct ipc_fds none = {.count = 0}, out = {.count = 0};
	int64_t r;

	if (flags & LX_O_CREAT) {
		struct fsd_create_req req = {.open_flags = flags, .mode = mode};
		struct fsd_create_rep rep;

		r = parent(b, path, &req.dir, &req.name);
		if (r == 0)
			r = fsd_do_create(&b->session, &req, &rep, &none, &out);
		*handle = rep.handle;
	} else {
		struct fsd_open_req req = {.open_flags = flags};
		struct fsd_open_rep rep;

		r = box_node(b, path, &req.node);
		if (r == 0)
			r = fsd_do_open(&b->session, &req, &rep, &none, &out);
		*handle = rep.handle;
	}
	if (fd)
		*fd = r == 0 && out.count ? out.fd[0] : -1;
	else if (out.count)
		close(out.fd[0]);
	return r;
}

int64_t box_close_file(struct fsd_box *b, uint64_t handle)
{
	struct fsd_close_req req = {.handle = handle};
	struct fsd_close_rep rep;
	struct ipc_fds none = {.count = 0};

	return fsd_do_close(&b->session, &req, &rep, &none, &none);
}

int64_t box_write(struct fsd_box *b, const char *path, uint64_t offset, const char *text)
{
	struct fsd_write_req req = {.offset = offset, .data = ipc_bytes_of(text)};
	struct fsd_write_rep rep;
	struct ipc_fds none = {.count = 0};
	int64_t r = box_open_file(b, path, LX_O_WRONLY, 0, &req.handle, NULL);

	if (r < 0)
		return r;
	r = fsd_do_write(&b->session, &req, &rep, &none, &none);
	box_close_file(b, req.handle);
	return r;
}

int64_t box_read(struct fsd_box *b, const char *path, char *out, size_t size)
{
	struct fsd_read_req req = {.len = (uint32_t)MIN(size - 1, (size_t)4096)};
	struct fsd_read_rep rep = {.data = {NULL, 0}};
	struct ipc_fds none = {.count = 0};
	int64_t r = box_open_file(b, path, LX_O_RDONLY, 0, &req.handle, NULL);

	if (r < 0)
		return r;
	r = fsd_do_read(&b->session, &req, &rep, &none, &none);
	if (r >= 0) {
		memcpy(out, rep.data.data, rep.data.len);
		out[rep.data.len] = '\0';
	}
	box_close_file(b, req.handle);
	return r;
}

static int64_t setattr(struct fsd_box *b, const char *path, struct fsd_setattr_req *req)
{
	struct fsd_setattr_rep rep;
	struct ipc_fds none = {.count = 0};
	int64_t r = box_node(b, path, &req->node);

	return r < 0 ? r : fsd_do_setattr(&b->session, req, &rep, &none, &none);
}

int64_t box_truncate(struct fsd_box *b, const char *path, uint64_t size)
{
	return setattr(b, path, &(struct fsd_setattr_req){.mask = 8, .size = size});
}

int64_t box_chmod(struct fsd_box *b, const char *path, uint32_t mode)
{
	return setattr(b, path, &(struct fsd_setattr_req){.mask = 1, .mode = mode});
}

int64_t box_chown(struct fsd_box *b, const char *path, uint32_t uid, uint32_t gid)
{
	return setattr(b, path, &(struct fsd_setattr_req){.mask = 6, .uid = uid, .gid = gid});
}

int64_t box_readlink(struct fsd_box *b, const char *path, char out[4096])
{
	struct fsd_readlink_req req;
	struct fsd_readlink_rep rep;
	struct ipc_fds none = {.count = 0};
	int64_t r = box_node(b, path, &req.node);

	if (r == 0)
		r = fsd_do_readlink(&b->session, &req, &rep, &none, &none);
	if (r == 0) {
		memcpy(out, rep.target.data, rep.target.len);
		out[rep.target.len] = '\0';
	}
	return r;
}

int64_t box_setxattr(struct fsd_box *b, const char *path, const char *name, const char *value)
{
	struct fsd_setxattr_req req = {.name = ipc_bytes_of(name), .value = ipc_bytes_of(value)};
	struct fsd_setxattr_rep rep;
	struct ipc_fds none = {.count = 0};
	int64_t r = box_node(b, path, &req.node);

	return r < 0 ? r : fsd_do_setxattr(&b->session, &req, &rep, &none, &none);
}

int64_t box_getxattr(struct fsd_box *b, const char *path, const char *name, char *out, size_t size)
{
	struct fsd_getxattr_req req = {.name = ipc_bytes_of(name), .max = (uint32_t)size - 1};
	struct fsd_getxattr_rep rep;
	struct ipc_fds none = {.count = 0};
	int64_t r = box_node(b, path, &req.node);

	if (r == 0)
		r = fsd_do_getxattr(&b->session, &req, &rep, &none, &none);
	if (r >= 0) {
		memcpy(out, rep.value.data, rep.value.len);
		out[rep.value.len] = '\0';
	}
	return r;
}

static int by_text(const void *a, const void *b)
{
	const char *const *x = a, *const *y = b;

	return strcmp(*x + 2, *y + 2);
}

static char type_letter(uint8_t type)
{
	switch (type) {
	case DT_REG:
		return 'f';
	case DT_DIR:
		return 'd';
	case DT_LNK:
		return 'l';
	case DT_FIFO:
		return 'p';
	case DT_CHR:
		return 'c';
	default:
		return '?';
	}
}

int64_t box_list(struct fsd_box *b, const char *path, char *out, size_t size)
{
	struct fsd_readdir_req req = {.max = 200}; /* small, so that going on is tested */
	struct fsd_readdir_rep rep;
	struct ipc_fds none = {.count = 0};
	static char *names[4096];
	size_t count = 0, used = 0;
	int64_t r = box_node(b, path, &req.dir);

	req.max = 300;
	while (r == 0 && (r = fsd_do_readdir(&b->session, &req, &rep, &none, &none)) == 0 &&
	       rep.entries.len) {
		for (const uint8_t *p = rep.entries.data;
		     p < rep.entries.data + rep.entries.len && count < 4096;) {
			names[count] = malloc(260);
			snprintf(names[count++], 260, "%c:%.*s", type_letter(p[16]), p[17],
			         (const char *)p + 18);
			memcpy(&req.cookie, p + 8, 8);
			p += 18 + p[17];
		}
	}
	qsort(names, count, sizeof(*names), by_text);
	out[0] = '\0';
	for (size_t i = 0; i < count; i++) {
		used += (size_t)snprintf(out + used, size - used, "%s ", names[i]);
		free(names[i]);
	}
	return r;
}
