/*
 * cred.c: credentials as immutable objects, and the rules by which ids and capabilities change.
 */
#include "supervisor/task/cred.h"

#include "common/lx/errno.h"

#define MODE_SETUID 04000u
#define MODE_SETGID 02000u
#define MODE_GROUP_EXEC 00010u

int cred_new(struct cred **out)
{
	struct cred *c = calloc(1, sizeof(*c));

	if (!c)
		return -LX_ENOMEM;
	c->refs = 1;
	*out = c;
	return 0;
}

/* References may be counted through a pointer to const: only the count changes. */
static uint32_t *refs_of(const struct cred *c)
{
	return (uint32_t *)(uintptr_t)&c->refs;
}

const struct cred *cred_get(const struct cred *c)
{
	__atomic_fetch_add(refs_of(c), 1, __ATOMIC_RELAXED);
	return c;
}

void cred_put(const struct cred *c)
{
	if (!c || __atomic_sub_fetch(refs_of(c), 1, __ATOMIC_ACQ_REL) != 0)
		return;
	free(c->groups);
	free((void *)(uintptr_t)c);
}

static int copy(const struct cred *from, struct cred **out)
{
	struct cred *c;
	int err = cred_new(&c);

	if (err < 0)
		return err;
	/* All but the count, which others change meanwhile. */
	memcpy(&c->uid, &from->uid, sizeof(*c) - offsetof(struct cred, uid));
	c->groups = NULL;
	c->ngroups = 0;
	err = cred_set_groups(c, from->groups, from->ngroups);
	if (err < 0) {
		cred_put(c);
		return err;
	}
	*out = c;
	return 0;
}

int cred_prepare(struct task *t, struct cred **out)
{
	return copy(t->cred, out);
}

void cred_commit(struct task *t, struct cred *c)
{
	const struct cred *old = t->cred;
	bool ids = old->euid != c->euid || old->egid != c->egid || old->fsuid != c->fsuid ||
		   old->fsgid != c->fsgid || (c->cap_permitted & ~old->cap_permitted);

	pthread_mutex_lock(&t->group->lock);
	t->cred = c;
	if (ids)
		__atomic_store_n(&t->pdeath_signal, 0, __ATOMIC_RELAXED);
	pthread_mutex_unlock(&t->group->lock);
	if (ids)
		__atomic_store_n(&t->group->dumpable, false, __ATOMIC_RELAXED);
	cred_put(old);
}

static int by_value(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

int cred_set_groups(struct cred *c, const uint32_t *groups, uint32_t n)
{
	uint32_t *fresh = NULL;

	if (n) {
		fresh = malloc(n * sizeof(*fresh));
		if (!fresh)
			return -LX_ENOMEM;
		memcpy(fresh, groups, n * sizeof(*fresh));
		qsort(fresh, n, sizeof(*fresh), by_value);
	}
	free(c->groups);
	c->groups = fresh;
	c->ngroups = n;
	return 0;
}

bool cred_in_group(const struct cred *c, uint32_t gid)
{
	if (c->fsgid == gid)
		return true;
	return c->ngroups && bsearch(&gid, c->groups, c->ngroups, sizeof(gid), by_value) != NULL;
}

bool cred_capable(const struct cred *c, int cap)
{
	return (c->cap_effective >> cap) & 1;
}

#define FS_CAPS                                                                                  \
	(UINT64_C(1) << LX_CAP_CHOWN | UINT64_C(1) << LX_CAP_DAC_OVERRIDE |                      \
	 UINT64_C(1) << LX_CAP_DAC_READ_SEARCH | UINT64_C(1) << LX_CAP_FOWNER |                  \
	 UINT64_C(1) << LX_CAP_FSETID | UINT64_C(1) << LX_CAP_LINUX_IMMUTABLE |                  \
	 UINT64_C(1) << LX_CAP_MKNOD | UINT64_C(1) << LX_CAP_MAC_OVERRIDE)

/* capabilities(7), "Effect of user ID changes on capabilities". */
void cred_fix_caps(const struct cred *old, struct cred *c)
{
	bool had_root = old->uid == 0 || old->euid == 0 || old->suid == 0;
	bool has_root = c->uid == 0 || c->euid == 0 || c->suid == 0;

	if (c->securebits & LX_SECBIT_NO_SETUID_FIXUP)
		return;
	if (had_root && !has_root) {
		if (!(c->securebits & LX_SECBIT_KEEP_CAPS))
			c->cap_permitted = c->cap_effective = 0;
		c->cap_ambient = 0;
	}
	if (old->euid == 0 && c->euid != 0)
		c->cap_effective = 0;
	if (old->euid != 0 && c->euid == 0)
		c->cap_effective = c->cap_permitted;
	if (old->fsuid == 0 && c->fsuid != 0)
		c->cap_effective &= ~FS_CAPS;
	if (old->fsuid != 0 && c->fsuid == 0)
		c->cap_effective |= c->cap_permitted & FS_CAPS;
}

/* capabilities(7), "Transformation of capabilities during execve()", for files without any. */
static void exec_caps(struct cred *c, bool set_id)
{
	uint64_t permitted = 0;
	bool effective = false;

	if (set_id)
		c->cap_ambient = 0;
	if (!(c->securebits & LX_SECBIT_NOROOT) && (c->euid == 0 || c->uid == 0)) {
		permitted = c->cap_inheritable | c->cap_bounding;
		effective = c->euid == 0;
	}
	permitted |= c->cap_ambient;
	c->cap_permitted = permitted;
	c->cap_effective = effective ? permitted : c->cap_ambient;
	c->securebits &= ~LX_SECBIT_KEEP_CAPS;
}

int cred_for_exec(struct task *t, uint32_t mode, uint32_t uid, uint32_t gid, struct cred **out,
		  bool *secure)
{
	struct cred *c;
	bool set_id = false;
	int err = cred_prepare(t, &c);

	if (err < 0)
		return err;
	if (!t->group->no_new_privs) {
		if (mode & MODE_SETUID) {
			set_id |= c->euid != uid;
			c->euid = uid;
		}
		if ((mode & (MODE_SETGID | MODE_GROUP_EXEC)) == (MODE_SETGID | MODE_GROUP_EXEC)) {
			set_id |= c->egid != gid;
			c->egid = gid;
		}
	}
	c->suid = c->fsuid = c->euid;
	c->sgid = c->fsgid = c->egid;
	exec_caps(c, set_id);
	*secure = c->uid != c->euid || c->gid != c->egid ||
		  (c->uid != 0 && (c->cap_permitted & ~c->cap_ambient) != 0);
	*out = c;
	return 0;
}
