/* unpack.c: see unpack.h. */
#include "fsd/unpack.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/plat/errno.h"
#include "common/plat/fs.h"
#include "fsd/meta.h"
#include "fsd/path.h"
#include "fsd/tarstream.h"

enum { UNPACK_PATH_MAX = 4096, PROGRESS_EVERY = 1024 };

#define UNPACK_FILE_MAX (1ull << 42) /* apparent size of one file; holes cost nothing */

/* Directories get their times when nothing more is put into them. */
struct dir_time {
	char *path;
	struct timespec t[2];
};

struct unpack {
	int tree;
	const struct unpack_options *o;
	struct unpack_result *result;
	struct fail *f;
	int parent;                        /* the directory last used, or -1 */
	char parent_path[UNPACK_PATH_MAX]; /* its path; "" is the tree itself */
	bool parent_impure;
	struct dir_time *dirs;
	size_t dir_count, dir_cap;
};

/* An entry's place: the directory's path and the last component. */
struct place {
	char dir[UNPACK_PATH_MAX];
	char name[PATH_NAME_MAX + 1];
};

/* Cleans a path of the archive: "./a//b/" becomes a and b.  name is empty for the root. */
static int split_path(struct unpack *u, const char *path, struct place *p)
{
	size_t used = 0;
	const char *shown = path;

	p->dir[0] = p->name[0] = '\0';
	if (*path == '/')
		return fail_set(u->f, -LX_EINVAL, "the archive has an absolute path: %.200s",
		                shown);
	while (*path) {
		size_t len = strcspn(path, "/");

		if (len == 0 || (len == 1 && path[0] == '.')) {
			path += len + (path[len] == '/');
			continue;
		}
		if (len == 2 && path[0] == '.' && path[1] == '.')
			return fail_set(u->f, -LX_EINVAL,
			                "the archive has a path with \"..\": %.200s", shown);
		if (len > PATH_NAME_MAX || used + len + 2 > sizeof(p->dir))
			return fail_set(u->f, -LX_ENAMETOOLONG,
			                "the archive has too long a path: %.100s...", shown);
		if (p->name[0]) {
			size_t n = strlen(p->name);

			if (used)
				p->dir[used++] = '/';
			if (used + n + 1 > sizeof(p->dir))
				return fail_set(u->f, -LX_ENAMETOOLONG,
				                "the archive has too long a path: %.100s...",
				                shown);
			memcpy(p->dir + used, p->name, n);
			used += n;
			p->dir[used] = '\0';
		}
		memcpy(p->name, path, len);
		p->name[len] = '\0';
		path += len + (path[len] == '/');
	}
	return 0;
}

/* Directories that the archive did not mention before what is in them belong to root. */
static int make_parents(struct unpack *u, const char *path)
{
	struct meta m = {.mode = S_IFDIR | 0755};
	char part[UNPACK_PATH_MAX];
	size_t len = 0;

	while (path[len]) {
		const char *base;
		int dir, r = 0;

		len += strcspn(path + len, "/");
		memcpy(part, path, len);
		part[len] = '\0';
		base = strrchr(part, '/');
		dir = base ? -1 : u->tree;
		if (base) {
			part[base - part] = '\0';
			dir = plat_open_beneath(u->tree, part, O_RDONLY | O_DIRECTORY, 0);
			part[base - part] = '/';
		}
		if (dir < 0)
			return dir;
		base = base ? base + 1 : part;
		if (mkdirat(dir, base, 0700) == 0)
			r = meta_write_at(dir, base, &m);
		else if (errno != EEXIST)
			r = plat_errno(errno);
		if (dir != u->tree)
			close(dir);
		if (r < 0)
			return r;
		len += path[len] == '/';
	}
	return 0;
}

/* Opens a directory of the tree without passing through links. */
static int open_dir(struct unpack *u, const char *path)
{
	int fd, r;

	if (!*path)
		return openat(u->tree, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	fd = plat_open_beneath(u->tree, path, O_RDONLY | O_DIRECTORY, 0);
	if (fd == -LX_ENOENT) {
		r = make_parents(u, path);
		fd = r < 0 ? r : plat_open_beneath(u->tree, path, O_RDONLY | O_DIRECTORY, 0);
	}
	if (fd == -LX_ELOOP || fd == -LX_ENOTDIR)
		return fail_set(u->f, -LX_EINVAL,
		                "a path of the archive leads through a link or a file: %.200s",
		                path);
	return fd < 0 ? fail_errno(u->f, fd, "cannot make the directory %.200s", path) : fd;
}

/* Most entries follow others of the same directory. */
static int enter_dir(struct unpack *u, const char *path)
{
	int fd;

	if (u->parent >= 0 && strcmp(path, u->parent_path) == 0)
		return u->parent;
	fd = open_dir(u, path);
	if (fd < 0)
		return fd;
	if (u->parent >= 0)
		close(u->parent);
	u->parent = fd;
	u->parent_impure = false;
	snprintf(u->parent_path, sizeof(u->parent_path), "%s", path);
	return fd;
}

static void leave_dir(struct unpack *u)
{
	if (u->parent >= 0)
		close(u->parent);
	u->parent = -1;
}

static int fill_meta(struct unpack *u, struct archive_entry *e, const char *path, struct meta *m)
{
	int64_t uid = archive_entry_uid(e), gid = archive_entry_gid(e);

	if (uid < 0 || uid >= UINT32_MAX || gid < 0 || gid >= UINT32_MAX)
		return fail_set(u->f, -LX_EINVAL, "the archive gives %.200s an impossible owner",
		                path);
	*m = (struct meta){
	    .uid = (uint32_t)uid,
	    .gid = (uint32_t)gid,
	    .mode = (uint32_t)archive_entry_filetype(e) | (archive_entry_perm(e) & 07777),
	};
	if (S_ISCHR(m->mode) || S_ISBLK(m->mode))
		m->rdev = meta_makedev((uint32_t)archive_entry_rdevmajor(e),
		                       (uint32_t)archive_entry_rdevminor(e));
	if (S_ISLNK(m->mode))
		m->mode = S_IFLNK | 0777;
	return 0;
}

static void fill_times(struct archive_entry *e, struct timespec t[2])
{
	t[1].tv_sec = archive_entry_mtime(e);
	t[1].tv_nsec = archive_entry_mtime_nsec(e);
	t[0] = t[1];
	if (archive_entry_atime_is_set(e)) {
		t[0].tv_sec = archive_entry_atime(e);
		t[0].tv_nsec = archive_entry_atime_nsec(e);
	}
}

static int write_xattrs(struct unpack *u, struct archive_entry *e, int fd, const char *path)
{
	const char *name;
	const void *value;
	size_t size;

	archive_entry_xattr_reset(e);
	while (archive_entry_xattr_next(e, &name, &value, &size) == ARCHIVE_OK) {
		char host[256];
		int r = meta_xattr_to_host(name, host);

		if (r == -LX_EOPNOTSUPP)
			continue; /* a namespace that means nothing to a guest */
		if (r == 0)
			r = plat_fxattr_set(fd, host, value, size, 0);
		if (r < 0)
			return fail_errno(u->f, r, "cannot keep the attribute %.100s of %.200s",
			                  name, path);
	}
	return 0;
}

/* Removes what an earlier entry of the same name left; a directory stays for a directory. */
static int make_room(int dir, const char *name, bool for_dir)
{
	struct stat st;

	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : plat_errno(errno);
	if (S_ISDIR(st.st_mode) && for_dir)
		return 0;
	return path_remove_tree(dir, name);
}

static int remember_dir(struct unpack *u, const struct place *p, struct archive_entry *e)
{
	struct dir_time *d;
	int n;

	if (u->dir_count == u->dir_cap) {
		size_t cap = u->dir_cap ? u->dir_cap * 2 : 256;

		d = realloc(u->dirs, cap * sizeof(*d));
		if (!d)
			return -LX_ENOMEM;
		u->dirs = d;
		u->dir_cap = cap;
	}
	d = &u->dirs[u->dir_count];
	n = (int)(strlen(p->dir) + strlen(p->name) + 2);
	d->path = malloc((size_t)n);
	if (!d->path)
		return -LX_ENOMEM;
	snprintf(d->path, (size_t)n, "%s%s%s", p->dir, p->dir[0] ? "/" : "", p->name);
	fill_times(e, d->t);
	u->dir_count++;
	return 0;
}

static int unpack_dir(struct unpack *u, struct archive_entry *e, const struct place *p, int dir,
                      const struct meta *m, const char *path)
{
	int fd, r = 0;

	if (p->name[0] && mkdirat(dir, p->name, 0700) < 0 && errno != EEXIST)
		return plat_errno(errno);
	fd = openat(dir, p->name[0] ? p->name : ".",
	            O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return plat_errno(errno);
	r = meta_write_fd(fd, m);
	if (r == 0)
		r = write_xattrs(u, e, fd, path);
	close(fd);
	return r < 0 ? r : remember_dir(u, p, e);
}

static int write_at(int fd, const char *data, size_t len, uint64_t offset)
{
	while (len) {
		ssize_t n = pwrite(fd, data, len, (off_t)offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return plat_errno(errno);
		data += n;
		len -= (size_t)n;
		offset += (uint64_t)n;
	}
	return 0;
}

static int write_content(struct unpack *u, struct tarstream *t, int fd, uint64_t size,
                         const char *path)
{
	uint64_t offset, end = 0;
	const void *data;
	size_t len;
	int r;

	if (size > UNPACK_FILE_MAX)
		return fail_set(u->f, -LX_EFBIG, "%.200s is too large (%llu bytes)", path,
		                (unsigned long long)size);
	while ((r = tarstream_data(t, &data, &len, &offset, u->f)) == 1) {
		if (offset > UNPACK_FILE_MAX || len > UNPACK_FILE_MAX - offset)
			return fail_set(u->f, -LX_EFBIG, "%.200s is too large", path);
		u->result->bytes += len;
		if (u->result->bytes > u->o->max_bytes)
			return fail_set(
			    u->f, -LX_EFBIG,
			    "the archive unpacks to more than %llu MB, which is the limit here",
			    (unsigned long long)(u->o->max_bytes >> 20));
		r = write_at(fd, data, len, offset);
		if (r < 0)
			return fail_errno(u->f, r, "cannot write %.200s", path);
		end = offset + len;
	}
	if (r < 0)
		return r;
	if (end < size && ftruncate(fd, (off_t)size) < 0)
		return fail_errno(u->f, plat_errno(errno), "cannot write %.200s", path);
	return 0;
}

/* Regular files, and the placeholders of everything that cannot be itself. */
static int unpack_file(struct unpack *u, struct tarstream *t, struct archive_entry *e,
                       const struct place *p, int dir, const struct meta *m, const char *path)
{
	struct timespec times[2];
	const char *target = S_ISLNK(m->mode) ? archive_entry_symlink(e) : NULL;
	int fd, r = 0;

	fd = openat(dir, p->name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
	            meta_host_mode(m->mode));
	if (fd < 0)
		return plat_errno(errno);
	if (S_ISREG(m->mode))
		r = write_content(u, t, fd, (uint64_t)MAX(archive_entry_size(e), (la_int64_t)0),
		                  path);
	else if (target)
		r = write_at(fd, target, strlen(target), 0);
	if (r == 0)
		r = meta_write_fd(fd, m);
	if (r == 0)
		r = write_xattrs(u, e, fd, path);
	fill_times(e, times);
	if (r == 0 && futimens(fd, times) < 0)
		r = plat_errno(errno);
	close(fd);
	if (r == 0 && !S_ISREG(m->mode) && !u->parent_impure) {
		r = plat_fxattr_set(dir, META_XATTR_IMPURE, "y", 1, 0);
		u->parent_impure = r == 0;
	}
	return r;
}

static int unpack_symlink(struct unpack *u, struct archive_entry *e, const struct place *p, int dir,
                          const char *path)
{
	const char *target = archive_entry_symlink(e);
	struct timespec times[2];

	if (!target || !*target || strlen(target) >= 4096)
		return fail_set(u->f, -LX_EINVAL,
		                "the archive has a link without a proper target: %.200s", path);
	if (symlinkat(target, dir, p->name) < 0)
		return plat_errno(errno);
	fill_times(e, times);
	return utimensat(dir, p->name, times, AT_SYMLINK_NOFOLLOW) < 0 ? plat_errno(errno) : 0;
}

static int unpack_hardlink(struct unpack *u, const char *target, const struct place *p,
                           const char *path)
{
	struct place to;
	int from, dir, r = split_path(u, target, &to);

	if (r < 0)
		return r;
	if (!to.name[0])
		return fail_set(u->f, -LX_EINVAL,
		                "the archive has a hard link to a directory: %.200s", path);
	from = open_dir(u, to.dir);
	if (from < 0)
		return from;
	dir = enter_dir(u, p->dir);
	if (dir < 0) {
		close(from);
		return dir;
	}
	if (strcmp(to.dir, p->dir) == 0 && strcmp(to.name, p->name) == 0) {
		close(from);
		return 0;
	}
	r = make_room(dir, p->name, false);
	if (r == 0 && linkat(from, to.name, dir, p->name, 0) < 0) {
		r = plat_errno(errno);
		if (r == -LX_ENOENT)
			fail_set(u->f, r,
			         "the archive has a hard link to what is not in it: %.200s", path);
	}
	/* It may be a placeholder's second name. */
	if (r == 0 && !u->parent_impure)
		r = plat_fxattr_set(dir, META_XATTR_IMPURE, "y", 1, 0);
	close(from);
	return r;
}

/* OCI image-spec, layer.md: .wh.NAME hides NAME of the layers below, .wh..wh..opq all siblings. */
static int unpack_whiteout(struct unpack *u, const struct place *p, int dir)
{
	const char *name = p->name + strlen(".wh.");
	int r;

	if (strcmp(p->name, ".wh..wh..opq") == 0)
		return plat_fxattr_set(dir, META_XATTR_OPAQUE, "y", 1, 0);
	if (strncmp(name, ".wh.", 4) == 0)
		return 0; /* AUFS's own bookkeeping */
	if (!path_name_ok(name, strlen(name)))
		return fail_set(u->f, -LX_EINVAL, "the archive has a malformed whiteout: %.200s",
		                p->name);
	r = make_room(dir, name, false);
	if (r == 0 && mkfifoat(dir, name, 0600) < 0)
		r = plat_errno(errno);
	return r;
}

/* Makes the object itself; -LX_EEXIST if something has its name. */
static int make_object(struct unpack *u, struct tarstream *t, struct archive_entry *e,
                       const struct place *p, int dir, const struct meta *m, const char *path)
{
	switch (m->mode & S_IFMT) {
	case S_IFDIR:
		return unpack_dir(u, e, p, dir, m, path);
	case S_IFLNK:
		if (!meta_is_placeholder(m))
			return unpack_symlink(u, e, p, dir, path);
		break;
	case S_IFREG:
	case S_IFCHR:
	case S_IFBLK:
	case S_IFIFO:
	case S_IFSOCK:
		break;
	default:
		return fail_set(u->f, -LX_EINVAL,
		                "the archive has an object of unknown type: %.200s", path);
	}
	return unpack_file(u, t, e, p, dir, m, path);
}

static int unpack_entry(struct unpack *u, struct tarstream *t, struct archive_entry *e,
                        const char *path)
{
	const char *hardlink = archive_entry_hardlink(e);
	struct place p;
	struct meta m;
	int dir, r = split_path(u, path, &p);

	if (r < 0)
		return r;
	if (hardlink)
		return unpack_hardlink(u, hardlink, &p, path);
	r = fill_meta(u, e, path, &m);
	dir = r < 0 ? r : enter_dir(u, p.dir);
	if (dir < 0)
		return dir;
	if (!p.name[0] && !S_ISDIR(m.mode))
		return fail_set(u->f, -LX_EINVAL, "the archive has an entry without a name");
	if (u->o->whiteouts && strncmp(p.name, ".wh.", 4) == 0)
		return unpack_whiteout(u, &p, dir);
	r = make_object(u, t, e, &p, dir, &m, path);
	/* A later entry of the same name takes the earlier one's place. */
	if (r == -LX_EEXIST || r == -LX_ENOTDIR || r == -LX_ELOOP) {
		r = make_room(dir, p.name, S_ISDIR(m.mode));
		if (r == 0)
			r = make_object(u, t, e, &p, dir, &m, path);
	}
	return r;
}

/* What was a directory may have been replaced since. */
static int restore_dir_times(struct unpack *u)
{
	for (size_t i = 0; i < u->dir_count; i++) {
		const char *path = u->dirs[i].path;
		int fd = plat_open_beneath(u->tree, *path ? path : ".", O_RDONLY | O_DIRECTORY, 0);
		int r = 0;

		if (fd == -LX_ENOENT || fd == -LX_ENOTDIR || fd == -LX_ELOOP)
			continue;
		if (fd < 0)
			return fd;
		if (futimens(fd, u->dirs[i].t) < 0)
			r = plat_errno(errno);
		close(fd);
		if (r < 0)
			return r;
	}
	return 0;
}

static int unpack_all(struct unpack *u, struct tarstream *t)
{
	struct archive_entry *e;
	int r;

	while ((r = tarstream_next(t, &e, u->f)) == 1) {
		const char *path = archive_entry_pathname(e);

		if (!path)
			path = archive_entry_pathname_utf8(e);
		if (!path)
			return fail_set(u->f, -LX_EINVAL,
			                "the archive has an entry without a readable name");
		if (++u->result->entries > u->o->max_entries)
			return fail_set(u->f, -LX_E2BIG, "the archive has more than %llu entries",
			                (unsigned long long)u->o->max_entries);
		r = unpack_entry(u, t, e, path);
		if (r < 0)
			return fail_errno(u->f, r, "cannot unpack %.200s", path);
		if (u->o->progress && u->result->entries % PROGRESS_EVERY == 0)
			u->o->progress(u->o->arg, u->result->bytes, u->result->entries);
	}
	return r < 0 ? r : restore_dir_times(u);
}

int unpack_layer(int fd, int tree, const struct unpack_options *o, struct unpack_result *result,
                 struct fail *f)
{
	struct unpack *u = calloc(1, sizeof(*u));
	struct meta root = {.mode = S_IFDIR | 0755};
	struct tarstream *t;
	int r;

	*result = (struct unpack_result){0};
	if (!u)
		return fail_set(f, -LX_ENOMEM, "out of memory");
	u->tree = tree;
	u->o = o;
	u->result = result;
	u->f = f;
	u->parent = -1;
	t = tarstream_new(fd, f);
	r = t ? meta_write_fd(tree, &root) : -LX_EINVAL;
	if (r == 0)
		r = unpack_all(u, t);
	if (r == 0)
		r = tarstream_finish(t, result->digest, result->diff_id, &result->input_bytes, f);
	if (r < 0)
		fail_errno(f, r, "cannot unpack the archive");
	leave_dir(u);
	for (size_t i = 0; i < u->dir_count; i++)
		free(u->dirs[i].path);
	free(u->dirs);
	free(u);
	tarstream_free(t);
	return r;
}
