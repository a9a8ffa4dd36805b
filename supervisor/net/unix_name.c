/*
 * unix_name.c: names of AF_UNIX sockets: in the file system, abstract, and made up (unix(7)).
 */
#include <stdio.h>

#include "common/lx/fcntl.h"
#include "supervisor/net/unix.h"
#include "supervisor/task/task.h"
#include "supervisor/vfs/dcache.h"

#define ABSTRACT_BUCKETS 64u
#define PATH_AT          offsetof(struct lx_sockaddr_un, path)

static struct list_head
    abstract[ABSTRACT_BUCKETS]; /* under unix_topology; initialised with the first socket */
static uint32_t next_autobind;  /* under unix_topology */

struct unix_addr *unix_addr_get(struct unix_addr *a)
{
	if (a)
		__atomic_fetch_add(&a->refs, 1, __ATOMIC_RELAXED);
	return a;
}

void unix_addr_put(struct unix_addr *a)
{
	if (a && __atomic_fetch_sub(&a->refs, 1, __ATOMIC_ACQ_REL) == 1)
		free(a);
}

static struct unix_addr *addr_new(const void *bytes, uint32_t len)
{
	struct unix_addr *a = calloc(1, sizeof(*a));

	if (a) {
		a->refs = 1;
		a->addr.len = len;
		memcpy(a->addr.bytes, bytes, len);
	}
	return a;
}

void unix_names_init_locked(void)
{
	if (!abstract[0].next)
		for (unsigned i = 0; i < ABSTRACT_BUCKETS; i++)
			list_init(&abstract[i]);
}

static struct list_head *bucket(const uint8_t *bytes, uint32_t len)
{
	uint32_t h = 2166136261u;

	for (uint32_t i = 0; i < len; i++)
		h = (h ^ bytes[i]) * 16777619u;
	return &abstract[h % ABSTRACT_BUCKETS];
}

/* Sockets of different types may have the same abstract name. */
static struct unix_sock *find_abstract_locked(const uint8_t *bytes, uint32_t len, int type)
{
	struct unix_sock *u;

	list_for_each_entry (u, bucket(bytes, len), name_link)
		if (u->s.type == type && u->addr->addr.len == len &&
		    memcmp(u->addr->addr.bytes, bytes, len) == 0)
			return u;
	return NULL;
}

/* Checks an address; *path is set (to a NUL-terminated copy in buf) for names of files. */
static int check_addr(const struct sock_addr *a, char buf[109], const char **path)
{
	*path = NULL;
	if (a->len < PATH_AT || a->len > sizeof(struct lx_sockaddr_un) || a->family != LX_AF_UNIX)
		return -LX_EINVAL;
	if (a->len > PATH_AT && a->bytes[PATH_AT] != 0) {
		memcpy(buf, a->bytes + PATH_AT, a->len - PATH_AT);
		buf[a->len - PATH_AT] = 0;
		*path = buf;
	}
	return 0;
}

static int find_path(struct task *t, const char *name, struct unix_sock **out)
{
	struct path p;
	struct inode *inode;
	int r = path_walk(t, LX_AT_FDCWD, name, WALK_FOLLOW, &p);

	if (r < 0)
		return r;
	inode = p.dentry->inode;
	r = vfs_permission(t, inode, 2);
	if (r == 0 && !LX_S_ISSOCK(inode->mode))
		r = -LX_ECONNREFUSED;
	if (r == 0) {
		pthread_mutex_lock(&unix_topology);
		*out = inode->socket ? unix_get(inode->socket) : NULL;
		pthread_mutex_unlock(&unix_topology);
		r = *out ? 0 : -LX_ECONNREFUSED;
	}
	path_put(&p);
	return r;
}

int unix_find(struct task *t, const struct sock_addr *a, int type, struct unix_sock **out)
{
	char buf[109];
	const char *path;
	int r = check_addr(a, buf, &path);

	*out = NULL;
	if (r < 0)
		return r;
	if (a->len == PATH_AT)
		return -LX_EINVAL;
	if (path) {
		r = find_path(t, path, out);
	} else {
		pthread_mutex_lock(&unix_topology);
		*out = abstract[0].next ? find_abstract_locked(a->bytes, a->len, type) : NULL;
		if (*out)
			unix_get(*out);
		pthread_mutex_unlock(&unix_topology);
		r = *out ? 0 : -LX_ECONNREFUSED;
	}
	if (r == 0 && (*out)->s.type != type) {
		unix_put(*out);
		*out = NULL;
		r = -LX_EPROTOTYPE;
	}
	return r;
}

static void set_addr_locked(struct unix_sock *u, struct unix_addr *a)
{
	pthread_mutex_lock(&u->lock);
	u->addr = a;
	pthread_mutex_unlock(&u->lock);
}

static int bind_abstract(struct unix_sock *u, const uint8_t *bytes, uint32_t len)
{
	struct unix_addr *a = addr_new(bytes, len);
	int r = -LX_ENOMEM;

	if (!a)
		return r;
	pthread_mutex_lock(&unix_topology);
	if (u->addr)
		r = -LX_EINVAL;
	else if (find_abstract_locked(bytes, len, u->s.type))
		r = -LX_EADDRINUSE;
	else
		r = 0;
	if (r == 0) {
		set_addr_locked(u, a);
		list_add_tail(&u->name_link, bucket(bytes, len));
	}
	pthread_mutex_unlock(&unix_topology);
	if (r < 0)
		unix_addr_put(a);
	return r;
}

/* A free abstract name of five hexadecimal digits. */
int unix_autobind(struct unix_sock *u)
{
	uint8_t bytes[PATH_AT + 6 + 1] = {LX_AF_UNIX, 0};
	int r = -LX_EADDRINUSE;

	for (unsigned tries = 0; r == -LX_EADDRINUSE && tries < 0x100000; tries++) {
		uint32_t n = __atomic_fetch_add(&next_autobind, 1, __ATOMIC_RELAXED) & 0xfffff;

		snprintf((char *)bytes + PATH_AT + 1, 6, "%05x", n);
		r = bind_abstract(u, bytes, PATH_AT + 6);
	}
	return r == -LX_EINVAL ? 0 : r; /* somebody else named it meanwhile */
}

static int bind_path(struct task *t, struct unix_sock *u, const char *path)
{
	struct unix_addr *a;
	struct path p;
	int r;

	a = calloc(1, sizeof(*a));
	if (!a)
		return -LX_ENOMEM;
	a->refs = 1;
	a->addr.family = LX_AF_UNIX;
	a->addr.len = (uint32_t)(PATH_AT + strlen(path) + 1);
	memcpy(a->addr.bytes + PATH_AT, path, strlen(path) + 1);
	r = vfs_mknod(t, LX_AT_FDCWD, path, LX_S_IFSOCK | 0777, 0, &p);
	if (r < 0) {
		unix_addr_put(a);
		return r == -LX_EEXIST ? -LX_EADDRINUSE : r;
	}
	pthread_mutex_lock(&unix_topology);
	if (u->addr) {
		r = -LX_EINVAL;
	} else {
		set_addr_locked(u, a);
		u->path = p;
		p.dentry->inode->socket = u;
	}
	pthread_mutex_unlock(&unix_topology);
	if (r < 0) {
		path_put(&p);
		unix_addr_put(a);
	}
	return r;
}

bool unix_is_named(struct unix_sock *u)
{
	bool named;

	pthread_mutex_lock(&u->lock);
	named = u->addr != NULL;
	pthread_mutex_unlock(&u->lock);
	return named;
}

int unix_bind(struct task *t, struct socket *s, const struct sock_addr *a)
{
	struct unix_sock *u = unix_of(s);
	char buf[109];
	const char *path;
	int r = check_addr(a, buf, &path);

	if (r < 0)
		return r;
	if (unix_is_named(u)) {
		struct path p;

		/* A name that is taken is the first thing to be noticed. */
		if (!path || path_walk(t, LX_AT_FDCWD, path, 0, &p) < 0)
			return -LX_EINVAL;
		path_put(&p);
		return -LX_EADDRINUSE;
	}
	if (a->len == PATH_AT)
		return unix_autobind(u);
	return path ? bind_path(t, u, path) : bind_abstract(u, a->bytes, a->len);
}

int unix_getname(struct task *t, struct socket *s, bool peer, struct sock_addr *a)
{
	struct unix_sock *u = unix_of(s), *from = unix_get(u);
	(void)t;
	if (peer) {
		pthread_mutex_lock(&u->lock);
		unix_put(from);
		from = u->peer ? unix_get(u->peer) : NULL;
		pthread_mutex_unlock(&u->lock);
		if (!from)
			return -LX_ENOTCONN;
	}
	memset(a, 0, sizeof(*a));
	a->family = LX_AF_UNIX;
	a->len = PATH_AT;
	pthread_mutex_lock(&from->lock);
	if (from->addr)
		*a = from->addr->addr;
	pthread_mutex_unlock(&from->lock);
	unix_put(from);
	return 0;
}
