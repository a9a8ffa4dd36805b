/*
 * dcache.c: the cache of names.  A hash table from (parent, name) to dentry, positive or
 * negative, under the tree lock; a second-chance list bounds it.  A dentry without references
 * stays in the table until the shrinker takes it; one that is not in the table (removed, or of a
 * file system whose names are not cached) is freed with its last reference.
 */
#include "supervisor/vfs/dcache.h"

#include "common/lx/errno.h"

#define TREE_SLOTS   16
#define HASH_BUCKETS 32768u
#define SHRINK_BATCH 256

static struct {
	pthread_mutex_t lock;
	char pad[128 - sizeof(pthread_mutex_t)];
} tree_slots[TREE_SLOTS] = {[0 ... TREE_SLOTS - 1] = {.lock = PTHREAD_MUTEX_INITIALIZER}};
static uint32_t next_slot;
static __thread uint32_t my_slot; /* 1 + index; 0: none yet */

/* Protected by the tree lock. */
static struct dentry *buckets[HASH_BUCKETS];
static struct list_head lru = LIST_HEAD_INIT(lru);
static uint32_t hashed_count;
static uint32_t hashed_limit = 49152;

void tree_read_lock(void)
{
	if (UNLIKELY(my_slot == 0))
		my_slot = 1 + __atomic_fetch_add(&next_slot, 1, __ATOMIC_RELAXED) % TREE_SLOTS;
	pthread_mutex_lock(&tree_slots[my_slot - 1].lock);
}

void tree_read_unlock(void)
{
	pthread_mutex_unlock(&tree_slots[my_slot - 1].lock);
}

void tree_write_lock(void)
{
	for (unsigned i = 0; i < TREE_SLOTS; i++)
		pthread_mutex_lock(&tree_slots[i].lock);
}

void tree_write_unlock(void)
{
	for (unsigned i = TREE_SLOTS; i-- > 0;)
		pthread_mutex_unlock(&tree_slots[i].lock);
}

uint32_t dentry_hash(const struct dentry *parent, const char *name, size_t len)
{
	uint64_t h = (uint64_t)(uintptr_t)parent * 0x9e3779b97f4a7c15u;

	while (len >= 8) {
		uint64_t w;

		memcpy(&w, name, 8);
		h = (h ^ w) * 0xff51afd7ed558ccdu;
		h ^= h >> 32;
		name += 8;
		len -= 8;
	}
	for (size_t i = 0; i < len; i++)
		h = (h ^ (uint8_t)name[i]) * 0x100000001b3u;
	h = (h ^ len) * 0xc4ceb9fe1a85ec53u;
	return (uint32_t)(h >> 32);
}

static int dentry_set_name(struct dentry *d, const char *name, size_t len)
{
	char *s = d->inline_name;

	if (len >= DENTRY_INLINE) {
		s = malloc(len + 1);
		if (!s)
			return -LX_ENOMEM;
	}
	memcpy(s, name, len);
	s[len] = '\0';
	d->name = s;
	d->name_len = (uint16_t)len;
	return 0;
}

int dentry_new(struct dentry *parent, const char *name, size_t len, struct inode *inode,
               struct dentry **out)
{
	struct dentry *d;

	if (len > UINT16_MAX)
		return -LX_ENAMETOOLONG;
	d = calloc(1, sizeof(*d));
	if (!d)
		return -LX_ENOMEM;
	if (dentry_set_name(d, name, len) < 0) {
		free(d);
		return -LX_ENOMEM;
	}
	d->refs = 1 | DENTRY_UNHASHED;
	d->inode = inode;
	if (parent)
		d->parent = dentry_get(parent);
	list_init(&d->lru);
	*out = d;
	return 0;
}

struct dentry *dentry_get(struct dentry *d)
{
	__atomic_fetch_add(&d->refs, 1, __ATOMIC_RELAXED);
	return d;
}

/* Frees d, and then its ancestors as far as d was the last to hold them. */
void dentry_put(struct dentry *d)
{
	while (d) {
		uint32_t old = __atomic_fetch_sub(&d->refs, 1, __ATOMIC_ACQ_REL);
		struct dentry *parent;

		if (old != (DENTRY_UNHASHED | 1))
			return;
		parent = d->parent;
		if (d->inode)
			inode_put(d->inode);
		if (d->name != d->inline_name)
			free((void *)(uintptr_t)d->name);
		free(d);
		d = parent;
	}
}

struct dentry *dentry_find_locked(const struct dentry *parent, const char *name, size_t len)
{
	uint32_t hash = dentry_hash(parent, name, len);
	struct dentry *d = buckets[hash % HASH_BUCKETS];

	for (; d; d = d->hash_next) {
		if (d->hash == hash && d->parent == parent && d->name_len == len &&
		    memcmp(d->name, name, len) == 0) {
			if (!(dentry_flags(d) & DENTRY_REFERENCED))
				__atomic_fetch_or(&d->flags, DENTRY_REFERENCED, __ATOMIC_RELAXED);
			return d;
		}
	}
	return NULL;
}

void dentry_hash_locked(struct dentry *d)
{
	struct dentry **head;

	d->hash = dentry_hash(d->parent, d->name, d->name_len);
	head = &buckets[d->hash % HASH_BUCKETS];
	d->hash_next = *head;
	d->hash_pprev = head;
	if (*head)
		(*head)->hash_pprev = &d->hash_next;
	*head = d;
	list_add_tail(&d->lru, &lru);
	hashed_count++;
	__atomic_fetch_and(&d->refs, ~DENTRY_UNHASHED, __ATOMIC_RELAXED);
}

void dentry_unhash_locked(struct dentry *d)
{
	if (!d->hash_pprev)
		return;
	*d->hash_pprev = d->hash_next;
	if (d->hash_next)
		d->hash_next->hash_pprev = d->hash_pprev;
	d->hash_next = NULL;
	d->hash_pprev = NULL;
	list_del_init(&d->lru);
	hashed_count--;
	__atomic_fetch_or(&d->refs, DENTRY_UNHASHED, __ATOMIC_RELEASE);
}

struct dentry *dentry_insert(struct dentry *d)
{
	struct dentry *there, *drop = NULL;
	bool full;

	tree_write_lock();
	there = dentry_find_locked(d->parent, d->name, d->name_len);
	if (there && there->inode == d->inode) {
		dentry_get(there);
		drop = d;
	} else if (there && !there->inode) {
		/* A negative one may be held by a walk that is about to report it. */
		dentry_get(there);
		dentry_unhash_locked(there);
		drop = there;
		dentry_hash_locked(d);
		there = d;
	} else if (there) {
		/* The name now stands for another object (bind mounts). */
		dentry_get(there);
		dentry_unhash_locked(there);
		__atomic_fetch_or(&there->flags, DENTRY_DELETED, __ATOMIC_RELAXED);
		drop = there;
		dentry_hash_locked(d);
		there = d;
	} else {
		dentry_hash_locked(d);
		there = d;
	}
	full = hashed_count > hashed_limit;
	tree_write_unlock();
	dentry_put(drop);
	if (full)
		dentry_shrink();
	return there;
}

/* A lookup in the file system; the result is cached if its names are. */
static int lookup_uncached(struct dentry *parent, const char *name, size_t len, struct dentry **out)
{
	struct inode *dir = parent->inode, *inode = NULL;
	char copy[LX_NAME_MAX + 1];
	struct dentry *d;
	int r;

	if (__atomic_load_n(&dir->flags, __ATOMIC_RELAXED) & INODE_DEAD)
		return -LX_ENOENT;
	memcpy(copy, name, len);
	copy[len] = '\0';
	r = dir->ops->lookup(dir, copy, &inode);
	if (r < 0 && r != -LX_ENOENT)
		return r;
	r = dentry_new(parent, name, len, r < 0 ? NULL : inode, &d);
	if (r < 0) {
		if (inode)
			inode_put(inode);
		return r;
	}
	*out = (dir->sb->flags & SB_NODCACHE) ? d : dentry_insert(d);
	return 0;
}

int dentry_lookup_locked(struct dentry *parent, const char *name, size_t len, struct dentry **out)
{
	struct inode *dir = parent->inode;

	if (!dir || !LX_S_ISDIR(inode_mode(dir)) || !dir->ops->lookup)
		return -LX_ENOTDIR;
	if (len > LX_NAME_MAX)
		return -LX_ENAMETOOLONG;
	if (!(dir->sb->flags & (SB_NODCACHE | SB_REVALIDATE))) {
		struct dentry *d;

		tree_read_lock();
		d = dentry_find_locked(parent, name, len);
		if (d)
			dentry_get(d);
		tree_read_unlock();
		if (d) {
			*out = d;
			return 0;
		}
	}
	return lookup_uncached(parent, name, len, out);
}

int dentry_lookup(struct dentry *parent, const char *name, size_t len, struct dentry **out)
{
	struct inode *dir = parent->inode;
	int r;

	if (!dir)
		return -LX_ENOENT;
	pthread_rwlock_rdlock(&dir->dir_lock);
	r = dentry_lookup_locked(parent, name, len, out);
	pthread_rwlock_unlock(&dir->dir_lock);
	return r;
}

void dentry_deleted(struct dentry *d)
{
	struct dentry *negative = NULL;
	bool cached = !(d->parent->inode->sb->flags & (SB_NODCACHE | SB_REVALIDATE));

	if (cached && dentry_new(d->parent, d->name, d->name_len, NULL, &negative) < 0)
		negative = NULL;
	tree_write_lock();
	dentry_unhash_locked(d);
	__atomic_fetch_or(&d->flags, DENTRY_DELETED, __ATOMIC_RELAXED);
	if (negative && !dentry_find_locked(d->parent, d->name, d->name_len))
		dentry_hash_locked(negative);
	tree_write_unlock();
	dentry_put(negative);
}

/* Exchanges parents and names of two dentries that are not hashed. */
static void swap_places(struct dentry *a, struct dentry *b)
{
	struct dentry *parent = a->parent;
	const char *an = a->name == a->inline_name ? NULL : a->name;
	const char *bn = b->name == b->inline_name ? NULL : b->name;
	char tmp[DENTRY_INLINE];
	uint16_t len = a->name_len;

	a->parent = b->parent;
	b->parent = parent;
	memcpy(tmp, a->inline_name, DENTRY_INLINE);
	memcpy(a->inline_name, b->inline_name, DENTRY_INLINE);
	memcpy(b->inline_name, tmp, DENTRY_INLINE);
	a->name = bn ? bn : a->inline_name;
	b->name = an ? an : b->inline_name;
	a->name_len = b->name_len;
	b->name_len = len;
}

void dentry_moved(struct dentry *from, struct dentry *to, bool exchange)
{
	bool cached = !(from->parent->inode->sb->flags & SB_NODCACHE);

	tree_write_lock();
	dentry_unhash_locked(from);
	dentry_unhash_locked(to);
	swap_places(from, to);
	if (cached)
		dentry_hash_locked(from);
	if (exchange) {
		if (cached)
			dentry_hash_locked(to);
	} else if (to->inode) {
		__atomic_fetch_or(&to->flags, DENTRY_DELETED, __ATOMIC_RELAXED);
	} else if (cached) {
		dentry_hash_locked(to); /* the old name, known not to exist */
	}
	tree_write_unlock();
}

/* Moves up to SHRINK_BATCH victims to the list; the tree lock is held. */
static void collect_victims(struct list_head *victims, const struct superblock *sb)
{
	unsigned scanned = 0, taken = 0;
	uint32_t total = hashed_count;

	while (!list_empty(&lru) && scanned++ < total && (sb || taken < SHRINK_BATCH)) {
		struct dentry *d = list_first_entry(&lru, struct dentry, lru);
		bool spare = __atomic_load_n(&d->refs, __ATOMIC_ACQUIRE) != 0 || d->mounts != 0;

		if (sb)
			spare = spare || d->parent->inode->sb != sb;
		else if (dentry_flags(d) & DENTRY_REFERENCED) {
			__atomic_fetch_and(&d->flags, ~DENTRY_REFERENCED, __ATOMIC_RELAXED);
			spare = true;
		}
		if (spare) {
			list_del_init(&d->lru);
			list_add_tail(&d->lru, &lru);
			continue;
		}
		dentry_get(d);
		dentry_unhash_locked(d);
		list_add_tail(&d->lru, victims);
		taken++;
	}
}

static bool drop_some(const struct superblock *sb)
{
	struct list_head victims;
	struct dentry *d, *next;
	bool any;

	list_init(&victims);
	tree_write_lock();
	collect_victims(&victims, sb);
	tree_write_unlock();
	any = !list_empty(&victims);
	list_for_each_entry_safe (d, next, &victims, lru) {
		list_del_init(&d->lru);
		dentry_put(d);
	}
	return any;
}

void dentry_shrink(void)
{
	/* The first pass may only take the second chances away. */
	if (!drop_some(NULL))
		drop_some(NULL);
}

void dentry_drop_superblock(struct superblock *sb)
{
	while (drop_some(sb))
		;
}

void dentry_set_limit(uint32_t limit)
{
	tree_write_lock();
	hashed_limit = limit;
	tree_write_unlock();
}

uint32_t dentry_count(void)
{
	uint32_t n;

	tree_read_lock();
	n = hashed_count;
	tree_read_unlock();
	return n;
}
