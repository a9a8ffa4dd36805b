/* mounts.c: see mounts.h. */
#include "fsd/mounts.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/log.h"
#include "common/plat/errno.h"
#include "common/plat/fs.h"
#include "fsd/image.h"
#include "fsd/path.h"

enum { MAX_BINDS = 60 };

static int open_dir(int dir, const char *name)
{
	int fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	return fd < 0 ? plat_errno(errno) : fd;
}

static unsigned count_entries(int dir)
{
	int fd = open_dir(dir, ".");
	DIR *stream = fd < 0 ? NULL : fdopendir(fd);
	unsigned n = 0;
	struct dirent *e;

	if (!stream) {
		if (fd >= 0)
			close(fd);
		return 0;
	}
	while ((e = readdir(stream)))
		n += e->d_name[0] != '.';
	closedir(stream);
	return n;
}

/* The parts of a container's directory that make a mount writable; nobody else uses them. */
static int open_upper(struct mount *m, int dir)
{
	int r;

	m->has_upper = true;
	m->layer[m->layer_count++].fd = r = open_dir(dir, "upper");
	if (r < 0)
		return r;
	m->work.temp = r = open_dir(dir, "work");
	if (r < 0)
		return r;
	m->work.links = r = open_dir(dir, "links");
	if (r < 0)
		return r;
	m->work.link_count = count_entries(m->work.links);
	return path_remove_contents(m->work.temp);
}

/* Removes the work directories of sessions that have ended. */
static void clean_work(int work)
{
	int fd = open_dir(work, ".");
	DIR *stream = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;

	while (stream && (e = readdir(stream))) {
		int entry = e->d_name[0] == '.' ? -1 : open_dir(work, e->d_name);

		if (entry >= 0 && flock(entry, LOCK_EX | LOCK_NB) == 0 &&
		    path_remove_tree(work, e->d_name) < 0)
			log_warn("cannot clean up in a volume");
		if (entry >= 0)
			close(entry);
	}
	if (stream)
		closedir(stream);
	else if (fd >= 0)
		close(fd);
}

/* Several guests may use a volume at once: each has a work directory of its own, locked. */
static int open_shared_upper(struct store *s, struct mount *m, int dir)
{
	int work = open_dir(dir, "work"), lock = store_lock(s),
	    r = work < 0   ? work
	        : lock < 0 ? lock
	                   : 0;
	char name[33];

	m->has_upper = m->shared = true;
	path_random_name(name);
	if (r == 0) {
		clean_work(work);
		r = mkdirat(work, name, 0700) < 0 ? plat_errno(errno) : 0;
	}
	if (r == 0)
		m->work.temp = r = open_dir(work, name);
	if (r >= 0)
		r = flock(m->work.temp, LOCK_EX | LOCK_NB) < 0 ? plat_errno(errno) : 0;
	if (r == 0)
		m->layer[m->layer_count++].fd = r = open_dir(dir, "tree");
	if (lock >= 0)
		close(lock);
	if (work >= 0)
		close(work);
	return MIN(r, 0);
}

/* A fresh upper's root looks like the layers'. */
static int copy_root_meta(struct mount *m)
{
	struct meta meta = {.mode = S_IFDIR | 0755};
	char flag[META_TEXT_MAX];
	struct stat st;
	int r;

	if (plat_fxattr_get(m->layer[0].fd, META_XATTR_STAT, flag, sizeof(flag)) >= 0)
		return 0;
	if (m->layer_count > 1) {
		struct timespec t[2];

		if (fstat(m->layer[1].fd, &st) < 0)
			return plat_errno(errno);
		r = meta_read_fd(m->layer[1].fd, m->layer[1].origin, &st, &meta);
		t[0] = st.st_atim;
		t[1] = st.st_mtim;
		if (r < 0 || futimens(m->layer[0].fd, t) < 0)
			return r < 0 ? r : plat_errno(errno);
	}
	return meta_write_fd(m->layer[0].fd, &meta);
}

static int open_root(struct store *s, const struct mounts_request *req, struct mount *m,
                     struct fail *f)
{
	int r = open_upper(m, req->container->dir);

	m->readonly = req->read_only;
	snprintf(m->target, sizeof(m->target), "/");
	if (r < 0)
		return fail_errno(f, r, "cannot open container %s", req->container->id);
	if (!req->image) {
		struct layer *l = &m->layer[m->layer_count++];

		l->origin = META_FOREIGN;
		l->fd = openat(req->root_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		r = l->fd < 0 ? plat_errno(errno) : 0;
	}
	for (unsigned i = req->image ? req->image->layer_count : 0; i-- > 0 && r == 0;) {
		struct layer *l = &m->layer[m->layer_count++];

		l->fd = store_open_layer(s, req->image->diff_ids[i]);
		if (l->fd < 0)
			r = fail_errno(f, l->fd,
			               "layer %s of the image is missing; load the image again",
			               req->image->diff_ids[i]);
	}
	if (r == 0)
		r = copy_root_meta(m);
	return r < 0 ? fail_errno(f, r, "cannot open the root file system") : 0;
}

/* A named volume lives in the store and is made when first used. */
static int open_volume(struct store *s, const char *name, struct mount *m, struct fail *f)
{
	static const char *const parts[] = {"tree", "work"};
	char path[300];
	int dir, r = 0;

	if (!path_name_ok(name, strlen(name)) || name[0] == '.')
		return fail_set(f, -LX_EINVAL, "%s is not a name for a volume", name);
	for (size_t i = 0; i < ARRAY_LEN(parts) && r == 0; i++) {
		snprintf(path, sizeof(path), "%s/%s", name, parts[i]);
		r = path_make_dirs(s->volumes, path);
	}
	dir = r < 0 ? r : open_dir(s->volumes, name);
	if (dir < 0)
		return fail_errno(f, dir, "cannot open volume %s", name);
	r = open_shared_upper(s, m, dir);
	close(dir);
	if (r == 0)
		r = copy_root_meta(m);
	return r < 0 ? fail_errno(f, r, "cannot open volume %s", name) : 0;
}

/* The object behind an O_PATH descriptor, opened as asked. */
static int reopen(int fd, int flags)
{
	char path[40];
	int r;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	r = open(path, flags | O_CLOEXEC | O_NONBLOCK);
	return r < 0 ? plat_errno(errno) : r;
}

static int open_bind(int fd, bool readonly, struct mount *m, struct fail *f)
{
	struct stat st;
	int r;

	if (fstat(fd, &st) < 0)
		return fail_errno(f, plat_errno(errno), "cannot use %s", m->target);
	m->bind = m->shared = m->has_upper = true;
	m->file = S_ISREG(st.st_mode);
	if (!m->file && !S_ISDIR(st.st_mode))
		return fail_set(
		    f, -LX_EINVAL,
		    "what is to be mounted at %s is neither a directory nor a regular file",
		    m->target);
	m->layer_count = 1;
	m->layer[0].origin = META_FOREIGN;
	m->layer[0].fd = r = m->file ? reopen(fd, O_RDONLY) : reopen(fd, O_RDONLY | O_DIRECTORY);
	if (r < 0)
		return fail_errno(f, r, "cannot open what is to be mounted at %s", m->target);
	if (m->file && !readonly)
		m->file_write_fd = MAX(reopen(fd, O_RDWR), -1);
	return 0;
}

static int open_one_bind(struct store *s, const struct mounts_request *req, const json_t *bind,
                         unsigned *next_fd, struct mount *m, struct fail *f)
{
	const char *target = json_string_value(json_object_get(bind, "target"));
	const char *volume = json_string_value(json_object_get(bind, "volume"));

	m->readonly = json_is_true(json_object_get(bind, "readonly"));
	if (!target || strlen(target) >= sizeof(m->target))
		return fail_set(f, -LX_EINVAL, "a mount has no proper target");
	snprintf(m->target, sizeof(m->target), "%s", target);
	if (volume)
		return open_volume(s, volume, m, f);
	if (*next_fd >= req->bind_count)
		return fail_set(f, -LX_EINVAL, "a mount came without its directory");
	return open_bind(req->bind_fds[(*next_fd)++], m->readonly, m, f);
}

int mounts_open(struct store *s, const struct mounts_request *req, struct fsd_session *session,
                json_t **json, struct fail *f)
{
	json_t *binds =
	    req->binds_len ? json_loadb(req->binds, req->binds_len, 0, NULL) : json_array();
	unsigned next_fd = 0;
	int r;

	*json = json_array();
	if (!json_is_array(binds) || json_array_size(binds) > MAX_BINDS) {
		json_decref(binds);
		return fail_set(f, -LX_EINVAL, "the list of mounts is malformed or too long");
	}
	r = session_init(session, 1 + (unsigned)json_array_size(binds));
	if (r == 0)
		r = open_root(s, req, &session->mounts[0], f);
	if (r == 0)
		r = session_add_root(session, &session->mounts[0]);
	for (unsigned i = 1; r == 0 && i < session->mount_count; i++) {
		struct mount *m = &session->mounts[i];

		r = open_one_bind(s, req, json_array_get(binds, i - 1), &next_fd, m, f);
		if (r == 0)
			r = session_add_root(session, m);
		if (r == 0)
			json_array_append_new(*json, json_pack("{s:s, s:b, s:I}", "target",
			                                       m->target, "readonly", m->readonly,
			                                       "node", (json_int_t)m->root->id));
	}
	json_decref(binds);
	return r < 0 ? fail_errno(f, r, "cannot make the session") : 0;
}

static unsigned add_fd(int *fds, unsigned n, unsigned max, int fd)
{
	if (fd >= 0 && n < max)
		fds[n++] = fd;
	return n;
}

unsigned mounts_fds(const struct fsd_session *session, int *fds, unsigned max)
{
	unsigned n = 0;

	for (unsigned i = 0; i < session->mount_count; i++) {
		const struct mount *m = &session->mounts[i];

		for (unsigned l = 0; l < m->layer_count; l++)
			n = add_fd(fds, n, max, m->layer[l].fd);
		n = add_fd(fds, n, max, m->work.temp);
		n = add_fd(fds, n, max, m->work.links);
		n = add_fd(fds, n, max, m->file_write_fd);
	}
	return n;
}
