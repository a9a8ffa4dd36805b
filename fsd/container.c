/* container.c: see container.h. */
#include "fsd/container.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/log.h"
#include "common/plat/errno.h"
#include "common/plat/fs.h"
#include "fsd/path.h"

enum { CONFIG_MAX = 65536 };

/* Takes the lock of an open container directory. */
static bool try_lock(int dir)
{
	return flock(dir, LOCK_EX | LOCK_NB) == 0;
}

static json_t *read_config(int containers, const char *id)
{
	char path[300], *text;
	json_t *config;
	size_t len;

	snprintf(path, sizeof(path), "%s/config.json", id);
	if (path_read_file(containers, path, CONFIG_MAX, &text, &len) < 0)
		return NULL;
	config = json_loadb(text, len, 0, NULL);
	free(text);
	return config;
}

static const char *text_of(const json_t *config, const char *key)
{
	const char *v = json_string_value(json_object_get(config, key));

	return v ? v : "";
}

/* Calls fn for each container with its configuration (NULL if it has none) until it returns
 * something else than 0. */
static int each(struct store *s,
                int (*fn)(struct store *s, const char *id, json_t *config, void *arg), void *arg)
{
	int fd = openat(s->containers, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), r = 0;
	DIR *stream = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;

	if (!stream) {
		if (fd >= 0)
			close(fd);
		return -LX_EIO;
	}
	while (r == 0 && (e = readdir(stream))) {
		json_t *config;

		if (e->d_name[0] == '.')
			continue;
		config = read_config(s->containers, e->d_name);
		r = fn(s, e->d_name, config, arg);
		json_decref(config);
	}
	closedir(stream);
	return r;
}

static int is_taken(struct store *s, const char *id, json_t *config, void *arg)
{
	const char *name = arg;

	(void)s;
	return strcmp(text_of(config, "name"), name) == 0 || strcmp(id, name) == 0;
}

static int write_config(struct container *c)
{
	json_t *config = json_pack("{s:s, s:s, s:s, s:s, s:b, s:I}", "id", c->id, "name", c->name,
	                           "reference", c->reference, "digest", c->digest, "remove",
	                           c->remove, "created", (json_int_t)time(NULL));
	char *text = config ? json_dumps(config, JSON_COMPACT) : NULL;
	/* Not synced: a container that a power cut leaves incomplete is cleaned away. */
	int r =
	    text ? path_write_file(c->dir, "config.json", text, strlen(text), false) : -LX_ENOMEM;

	free(text);
	json_decref(config);
	return r;
}

static int make_new(struct store *s, struct container *c)
{
	static const char *const parts[] = {"upper", "work", "links"};
	int r;

	path_random_name(c->id);
	if (!c->name[0])
		snprintf(c->name, sizeof(c->name), "%.12s", c->id);
	if (mkdirat(s->containers, c->id, 0700) < 0)
		return plat_errno(errno);
	c->dir = openat(s->containers, c->id, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (c->dir < 0)
		return plat_errno(errno);
	r = try_lock(c->dir) ? 0 : -LX_EBUSY;
	for (size_t i = 0; i < ARRAY_LEN(parts) && r == 0; i++)
		if (mkdirat(c->dir, parts[i], 0700) < 0)
			r = plat_errno(errno);
	if (r == 0)
		r = write_config(c);
	if (r < 0) {
		close(c->dir);
		c->dir = -1;
	}
	return r;
}

/* Takes up an existing container; 1: there is none of that id. */
static int take_up(struct store *s, struct container *c, struct fail *f)
{
	json_t *config;
	int r = 0;

	if (strlen(c->name) != CONTAINER_ID_LEN ||
	    strspn(c->name, "0123456789abcdef") != CONTAINER_ID_LEN)
		return 1;
	config = read_config(s->containers, c->name);
	if (!config)
		return 1;
	if (strcmp(text_of(config, "reference"), c->reference) != 0)
		r = fail_set(f, -LX_EINVAL, "container %s was made from %s", c->name,
		             text_of(config, "reference"));
	memcpy(c->id, c->name, CONTAINER_ID_LEN + 1);
	snprintf(c->digest, sizeof(c->digest), "%s", text_of(config, "digest"));
	snprintf(c->name, sizeof(c->name), "%s", text_of(config, "name"));
	c->remove = json_is_true(json_object_get(config, "remove"));
	json_decref(config);
	if (r < 0)
		return r;
	c->dir = openat(s->containers, c->id, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (c->dir < 0)
		return plat_errno(errno);
	if (try_lock(c->dir))
		return 0;
	close(c->dir);
	c->dir = -1;
	return fail_set(f, -LX_EBUSY, "container %s is running", c->name);
}

int container_create(struct store *s, struct container *c, struct fail *f)
{
	int lock = store_lock(s), r;

	c->dir = -1;
	if (lock < 0)
		return fail_errno(f, lock, "cannot lock the image store");
	r = take_up(s, c, f);
	if (r == 1 && c->name[0] && each(s, is_taken, c->name) != 0)
		r = fail_set(f, -LX_EEXIST, "a container called %s exists already", c->name);
	if (r == 1) {
		r = make_new(s, c);
		if (r < 0)
			fail_errno(f, r, "cannot make a container");
	}
	close(lock);
	return r;
}

void container_done(struct store *s, struct container *c)
{
	char temp[33];
	int lock;

	if (c->remove) {
		lock = store_lock(s);
		if (lock >= 0) {
			int r = store_discard(s, s->containers, c->id, temp);

			close(lock);
			if (r == 0)
				r = path_remove_tree(s->tmp, temp);
			(void)r; /* what is left goes at the next start */
		}
	}
	if (c->dir >= 0)
		close(c->dir);
	c->dir = -1;
}

struct wanted {
	const char *name;
	char id[256];
	unsigned matches;
};

static int match(struct store *s, const char *id, json_t *config, void *arg)
{
	struct wanted *w = arg;
	bool exact = strcmp(text_of(config, "name"), w->name) == 0 || strcmp(id, w->name) == 0;

	(void)s;
	if (exact || (strlen(w->name) >= 4 && strncmp(id, w->name, strlen(w->name)) == 0)) {
		snprintf(w->id, sizeof(w->id), "%s", id);
		w->matches++;
	}
	if (exact)
		w->matches = 1;
	return exact;
}

int container_remove(struct store *s, const char *name, struct fail *f)
{
	struct wanted w = {.name = name};
	char temp[33];
	int lock = store_lock(s), r, dir = -1;

	if (lock < 0)
		return fail_errno(f, lock, "cannot lock the image store");
	r = each(s, match, &w);
	if (r >= 0 && w.matches != 1)
		r = fail_set(f, w.matches ? -LX_EINVAL : -LX_ENOENT,
		             w.matches ? "%s is the beginning of several containers' ids"
		                       : "there is no container %s",
		             name);
	if (r >= 0) {
		dir = openat(s->containers, w.id, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		r = dir < 0 ? plat_errno(errno) : 0;
	}
	if (r == 0 && !try_lock(dir))
		r = fail_set(f, -LX_EBUSY, "container %s is running", name);
	if (r == 0)
		r = store_discard(s, s->containers, w.id, temp);
	close(lock);
	if (dir >= 0)
		close(dir);
	return r < 0 ? fail_errno(f, r, "cannot remove container %s", name) : 0;
}

static bool is_running(struct store *s, const char *id)
{
	int dir = openat(s->containers, id, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	bool running = dir >= 0 && !try_lock(dir);

	if (dir >= 0)
		close(dir);
	return running;
}

static int list_one(struct store *s, const char *id, json_t *config, void *arg)
{
	json_t *list = arg;

	if (!config)
		return 0;
	json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:s, s:O, s:s}", "id", id, "name",
	                                      text_of(config, "name"), "image",
	                                      text_of(config, "reference"), "digest",
	                                      text_of(config, "digest"), "created",
	                                      json_object_get(config, "created"), "state",
	                                      is_running(s, id) ? "running" : "exited"));
	return 0;
}

json_t *container_list(struct store *s)
{
	json_t *list = json_array();

	if (list && each(s, list_one, list) < 0) {
		json_decref(list);
		return NULL;
	}
	return list;
}

struct each_digest {
	json_t *arg;
	void (*fn)(struct store *s, json_t *arg, const char *digest);
};

static int one_digest(struct store *s, const char *id, json_t *config, void *arg)
{
	struct each_digest *e = arg;

	(void)id;
	if (text_of(config, "digest")[0])
		e->fn(s, e->arg, text_of(config, "digest"));
	return 0;
}

int container_each_digest(struct store *s, json_t *arg,
                          void (*fn)(struct store *s, json_t *arg, const char *digest))
{
	struct each_digest e = {arg, fn};

	return each(s, one_digest, &e);
}

static int has_digest(struct store *s, const char *id, json_t *config, void *arg)
{
	const char *digest = arg;

	(void)s;
	(void)id;
	return strcmp(text_of(config, "digest"), digest) == 0;
}

bool container_uses(struct store *s, const char *digest)
{
	char copy[DIGEST_TEXT_MAX];

	snprintf(copy, sizeof(copy), "%s", digest);
	return each(s, has_digest, copy) != 0;
}

static int clean_one(struct store *s, const char *id, json_t *config, void *arg)
{
	char temp[33];
	int dir;

	(void)arg;
	if (config && !json_is_true(json_object_get(config, "remove")))
		return 0;
	dir = openat(s->containers, id, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (dir >= 0 && try_lock(dir) && store_discard(s, s->containers, id, temp) < 0)
		temp[0] = '\0';
	if (dir >= 0)
		close(dir);
	return 0;
}

void container_clean(struct store *s)
{
	int lock = store_lock(s);

	if (lock < 0)
		return;
	if (each(s, clean_one, NULL) < 0)
		log_warn("cannot read the containers of the store");
	close(lock);
}
