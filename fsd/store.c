/* store.c: see store.h.  Naming of images is in images.c. */
#include "fsd/store.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/log.h"
#include "common/plat/errno.h"
#include "common/plat/fs.h"
#include "fsd/container.h"
#include "fsd/image.h"
#include "fsd/path.h"

static const char oci_layout[] = "{\"imageLayoutVersion\":\"1.0.0\"}";
static const char empty_index[] = "{\"schemaVersion\":2,\"mediaType\":\"application/"
                                  "vnd.oci.image.index.v1+json\",\"manifests\":[]}";

/* mkdir -p for an absolute path; only the last directory has to be ours. */
static int make_path(const char *path)
{
	char buf[4096];
	size_t len = strlen(path);

	if (len == 0 || len >= sizeof(buf) || path[0] != '/')
		return -LX_EINVAL;
	memcpy(buf, path, len + 1);
	for (size_t i = 1; i <= len; i++) {
		if (buf[i] != '/' && buf[i] != '\0')
			continue;
		buf[i] = '\0';
		if (mkdir(buf, 0700) < 0 && errno != EEXIST)
			return plat_errno(errno);
		buf[i] = path[i];
	}
	return 0;
}

static int open_sub(int dir, const char *name, int *out)
{
	int r = path_make_dirs(dir, name);

	if (r < 0)
		return r;
	*out = plat_open_beneath(dir, name, O_RDONLY | O_DIRECTORY, 0);
	return *out < 0 ? *out : 0;
}

/* Without extended attributes there is no way to keep owners and modes. */
static int check_xattrs(struct store *s, const char *path, struct fail *f)
{
	char name[33], value[2];
	int fd, r;

	path_random_name(name);
	fd = openat(s->tmp, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return fail_errno(f, plat_errno(errno), "cannot write to the image store %s", path);
	r = plat_fxattr_set(fd, "user.carrick.test", "y", 1, 0);
	if (r == 0 && plat_fxattr_get(fd, "user.carrick.test", value, sizeof(value)) != 1)
		r = -LX_EOPNOTSUPP;
	close(fd);
	unlinkat(s->tmp, name, 0);
	if (r == -LX_EOPNOTSUPP)
		return fail_set(
		    f, r,
		    "the file system of %s keeps no extended attributes (user.*), which owners "
		    "and modes of files need; set CARRICK_HOME to a directory on another one",
		    path);
	return r < 0 ? fail_errno(f, r, "cannot set extended attributes in %s", path) : 0;
}

static int open_parts(struct store *s, const char *path, struct fail *f)
{
	int r = 0, lock;

	if (open_sub(s->dir, "blobs/sha256", &s->blobs) || open_sub(s->dir, "layers", &s->layers) ||
	    open_sub(s->dir, "containers", &s->containers) ||
	    open_sub(s->dir, "volumes", &s->volumes) ||
	    open_sub(s->dir, "translations", &s->translations) ||
	    open_sub(s->dir, "tmp", &s->tmp))
		return fail_set(f, -LX_EACCES, "cannot make the image store in %s", path);
	lock = store_lock(s);
	if (lock < 0)
		return fail_errno(f, lock, "cannot lock the image store %s", path);
	if (faccessat(s->dir, "index.json", F_OK, 0) < 0) {
		r = check_xattrs(s, path, f);
		if (r == 0)
			r = path_write_file(s->dir, "oci-layout", oci_layout, strlen(oci_layout),
			                    true);
		if (r == 0)
			r = path_write_file(s->dir, "index.json", empty_index, strlen(empty_index),
			                    true);
	}
	close(lock);
	return r < 0 ? fail_errno(f, r, "cannot write to the image store %s", path) : 0;
}

int store_open(struct store *s, const char *path, struct fail *f)
{
	struct stat st;
	int r = make_path(path);

	*s = (struct store){-1, -1, -1, -1, -1, -1, -1};
	if (r < 0)
		return fail_errno(f, r, "cannot make the image store %s", path);
	s->dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (s->dir < 0 || fstat(s->dir, &st) < 0)
		return fail_errno(f, plat_errno(errno), "cannot open the image store %s", path);
	if (st.st_uid != geteuid())
		return fail_set(f, -LX_EPERM, "the image store %s belongs to another user", path);
	r = open_parts(s, path, f);
	if (r < 0) {
		store_close(s);
		return r;
	}
	container_clean(s);
	store_sweep(s);
	return 0;
}

void store_close(struct store *s)
{
	int *fds[] = {&s->dir,     &s->blobs,        &s->layers, &s->containers,
	              &s->volumes, &s->translations, &s->tmp};

	for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
		if (*fds[i] >= 0)
			close(*fds[i]);
		*fds[i] = -1;
	}
}

int store_lock(struct store *s)
{
	int fd = openat(s->dir, "lock", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (fd < 0)
		return plat_errno(errno);
	while (flock(fd, LOCK_EX) < 0) {
		if (errno != EINTR) {
			int r = plat_errno(errno);

			close(fd);
			return r;
		}
	}
	return fd;
}

int store_stage(struct store *s, char name[33], int *fd)
{
	int lock = store_lock(s), r = 0;

	if (lock < 0)
		return lock;
	path_random_name(name);
	*fd = -1;
	if (mkdirat(s->tmp, name, 0700) < 0)
		r = plat_errno(errno);
	else
		*fd = openat(s->tmp, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (r == 0 && (*fd < 0 || flock(*fd, LOCK_EX | LOCK_NB) < 0))
		r = plat_errno(errno);
	close(lock);
	return r;
}

int store_discard(struct store *s, int dir, const char *name, char temp[33])
{
	path_random_name(temp);
	return renameat(dir, name, s->tmp, temp) < 0 ? plat_errno(errno) : 0;
}

/* The next leftover of tmp/ that nobody has locked: its name, and it is locked by us now. */
static int take_leftover(struct store *s, char name[256])
{
	int fd = openat(s->tmp, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), entry = -1;
	DIR *stream = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;

	if (!stream) {
		if (fd >= 0)
			close(fd);
		return -1;
	}
	while (entry < 0 && (e = readdir(stream))) {
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		entry = openat(s->tmp, e->d_name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
		if (entry >= 0 && flock(entry, LOCK_EX | LOCK_NB) < 0) {
			close(entry);
			entry = -1;
		}
		snprintf(name, 256, "%s", e->d_name);
	}
	closedir(stream);
	return entry;
}

void store_sweep(struct store *s)
{
	char name[256];
	int r = 0;

	while (r == 0) {
		int lock = store_lock(s), entry;

		if (lock < 0)
			return;
		entry = take_leftover(s, name);
		close(lock);
		if (entry < 0)
			return;
		r = path_remove_tree(s->tmp, name);
		if (r < 0)
			log_warn("cannot remove a leftover of the image store: %s",
			         lx_errno_text(r));
		close(entry);
	}
}

int store_put_blob(struct store *s, const void *data, size_t len, char digest[DIGEST_TEXT_MAX])
{
	if (!digest_of(data, len, digest))
		return -LX_ENOMEM;
	if (faccessat(s->blobs, digest_hex(digest), F_OK, 0) == 0)
		return 0;
	return path_write_file(s->blobs, digest_hex(digest), data, len, true);
}

int store_get_blob(struct store *s, const char *digest, char **data, size_t *len)
{
	char actual[DIGEST_TEXT_MAX];
	int r;

	if (!digest_ok(digest))
		return -LX_EINVAL;
	r = path_read_file(s->blobs, digest_hex(digest), STORE_JSON_MAX, data, len);
	if (r < 0)
		return r;
	if (!digest_of(*data, *len, actual) || strcmp(actual, digest) != 0) {
		free(*data);
		return -LX_EBADMSG;
	}
	return 0;
}

json_t *store_get_json(struct store *s, const char *digest)
{
	json_t *json;
	char *data;
	size_t len;

	if (store_get_blob(s, digest, &data, &len) < 0)
		return NULL;
	json = json_loadb(data, len, 0, NULL);
	free(data);
	return json;
}

bool store_has_layer(struct store *s, const char *diff_id)
{
	return digest_ok(diff_id) && faccessat(s->layers, digest_hex(diff_id), F_OK, 0) == 0;
}

int store_open_layer(struct store *s, const char *diff_id)
{
	char path[DIGEST_TEXT_MAX + 8];

	if (!digest_ok(diff_id))
		return -LX_EINVAL;
	snprintf(path, sizeof(path), "%s/tree", digest_hex(diff_id));
	return plat_open_beneath(s->layers, path, O_RDONLY | O_DIRECTORY, 0);
}

int store_add_layer(struct store *s, int stage, const char *name, const char *diff_id,
                    uint64_t size)
{
	char text[24];
	int fd, r, len = snprintf(text, sizeof(text), "%llu", (unsigned long long)size);

	fd = plat_open_beneath(stage, name, O_RDONLY | O_DIRECTORY, 0);
	if (fd < 0)
		return fd;
	r = path_write_file(fd, "size", text, (size_t)len, false);
	close(fd);
	if (r == 0)
		r = plat_rename(stage, name, s->layers, digest_hex(diff_id), PLAT_RENAME_NOREPLACE);
	if (r == -LX_EEXIST) /* another import was faster */
		r = path_remove_tree(stage, name);
	if (r == 0 && fsync(s->layers) < 0)
		r = plat_errno(errno);
	return r;
}

uint64_t store_layer_size(struct store *s, const char *diff_id)
{
	char path[DIGEST_TEXT_MAX + 8], *text;
	uint64_t size;
	size_t len;

	snprintf(path, sizeof(path), "%s/size", digest_hex(diff_id));
	if (path_read_file(s->layers, path, 64, &text, &len) < 0)
		return 0;
	size = strtoull(text, NULL, 10);
	free(text);
	return size;
}

json_t *store_read_index(struct store *s)
{
	json_t *index = NULL;
	char *text;
	size_t len;

	if (path_read_file(s->dir, "index.json", STORE_JSON_MAX, &text, &len) == 0) {
		index = json_loadb(text, len, 0, NULL);
		free(text);
	}
	if (!json_is_array(json_object_get(index, "manifests"))) {
		json_decref(index);
		return NULL;
	}
	return index;
}

int store_write_index(struct store *s, json_t *index)
{
	char *text = json_dumps(index, JSON_INDENT(1));
	int r;

	if (!text)
		return -LX_ENOMEM;
	r = path_write_file(s->dir, "index.json", text, strlen(text), true);
	free(text);
	return r;
}

/* Adds what an image's manifest needs to the set of names in use. */
static void use_manifest(struct store *s, json_t *used, const char *digest)
{
	struct image img;
	char *data;
	size_t len;

	if (!digest_ok(digest) || json_object_get(used, digest_hex(digest)))
		return;
	json_object_set_new(used, digest_hex(digest), json_true());
	if (store_get_blob(s, digest, &data, &len) < 0)
		return;
	if (image_parse_manifest(data, len, &img) == 0) {
		char *config;
		size_t config_len;

		json_object_set_new(used, digest_hex(img.config), json_true());
		if (store_get_blob(s, img.config, &config, &config_len) == 0) {
			if (image_parse_config(config, config_len, &img) == 0)
				for (unsigned i = 0; i < img.layer_count; i++)
					json_object_set_new(used, digest_hex(img.diff_ids[i]),
					                    json_true());
			free(config);
		}
	}
	free(data);
}

static int discard_unused(struct store *s, int dir, json_t *used)
{
	int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), r = 0;
	DIR *stream = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;
	char temp[33];

	if (!stream) {
		if (fd >= 0)
			close(fd);
		return -LX_EIO;
	}
	while (r == 0 && (e = readdir(stream)))
		if (strlen(e->d_name) == DIGEST_HEX_LEN && !json_object_get(used, e->d_name))
			r = store_discard(s, dir, e->d_name, temp);
	closedir(stream);
	return r;
}

int store_collect(struct store *s)
{
	json_t *used = json_object(), *index = store_read_index(s), *entry;
	size_t i;
	int r;

	if (!used || !index) {
		json_decref(used);
		json_decref(index);
		return index ? -LX_ENOMEM : -LX_EIO;
	}
	json_array_foreach(json_object_get(index, "manifests"), i, entry)
	{
		const char *digest = json_string_value(json_object_get(entry, "digest"));

		if (digest)
			use_manifest(s, used, digest);
	}
	r = container_each_digest(s, used, use_manifest);
	if (r == 0)
		r = discard_unused(s, s->layers, used);
	if (r == 0)
		r = discard_unused(s, s->blobs, used);
	if (r == 0)
		r = discard_unused(s, s->translations, used);
	json_decref(used);
	json_decref(index);
	return r;
}
