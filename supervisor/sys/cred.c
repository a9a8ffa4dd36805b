/*
 * cred.c: the system calls of user and group ids, groups and capabilities.  credentials(7),
 * setuid(2), setresuid(2), capget(2).
 */
#include "supervisor/sys/sys.h"
#include "supervisor/task/cred.h"

#define ID_KEEP UINT32_MAX

int64_t sys_getuid(struct task *t, const struct sys_args *a)
{
	(void)a;
	return t->cred->uid;
}

int64_t sys_geteuid(struct task *t, const struct sys_args *a)
{
	(void)a;
	return t->cred->euid;
}

int64_t sys_getgid(struct task *t, const struct sys_args *a)
{
	(void)a;
	return t->cred->gid;
}

int64_t sys_getegid(struct task *t, const struct sys_args *a)
{
	(void)a;
	return t->cred->egid;
}

static int64_t put_three(struct task *t, const struct sys_args *a, uint32_t x, uint32_t y, uint32_t z)
{
	int err = put_user_u32(t->mm, arg_ptr(a, 0), x);

	if (err == 0)
		err = put_user_u32(t->mm, arg_ptr(a, 1), y);
	if (err == 0)
		err = put_user_u32(t->mm, arg_ptr(a, 2), z);
	return err;
}

int64_t sys_getresuid(struct task *t, const struct sys_args *a)
{
	return put_three(t, a, t->cred->uid, t->cred->euid, t->cred->suid);
}

int64_t sys_getresgid(struct task *t, const struct sys_args *a)
{
	return put_three(t, a, t->cred->gid, t->cred->egid, t->cred->sgid);
}

/* The ids of one kind, so that users and groups share the rules. */
struct ids {
	uint32_t real, effective, saved, fs;
};

static bool one_of(uint32_t id, const struct ids *ids)
{
	return id == ids->real || id == ids->effective || id == ids->saved;
}

/* setuid(2) and setgid(2). */
static int64_t rule_set(struct ids *n, const struct ids *o, bool capable, uint32_t id)
{
	if (id == ID_KEEP)
		return -LX_EINVAL;
	if (capable)
		n->real = n->saved = id;
	else if (id != o->real && id != o->saved)
		return -LX_EPERM;
	n->effective = n->fs = id;
	return 0;
}

/* setreuid(2) and setregid(2). */
static int64_t rule_set_two(struct ids *n, const struct ids *o, bool capable, uint32_t real, uint32_t eff)
{
	if (real != ID_KEEP) {
		if (!capable && real != o->real && real != o->effective)
			return -LX_EPERM;
		n->real = real;
	}
	if (eff != ID_KEEP) {
		if (!capable && !one_of(eff, o))
			return -LX_EPERM;
		n->effective = eff;
	}
	if (real != ID_KEEP || (eff != ID_KEEP && eff != o->real))
		n->saved = n->effective;
	n->fs = n->effective;
	return 0;
}

/* setresuid(2) and setresgid(2). */
static int64_t rule_set_three(struct ids *n, const struct ids *o, bool capable, uint32_t real, uint32_t eff,
			      uint32_t saved)
{
	if (!capable && ((real != ID_KEEP && !one_of(real, o)) || (eff != ID_KEEP && !one_of(eff, o)) ||
			 (saved != ID_KEEP && !one_of(saved, o))))
		return -LX_EPERM;
	if (real != ID_KEEP)
		n->real = real;
	if (eff != ID_KEEP)
		n->effective = eff;
	if (saved != ID_KEEP)
		n->saved = saved;
	n->fs = n->effective;
	return 0;
}

enum rule { RULE_ONE, RULE_TWO, RULE_THREE };

static int64_t apply(enum rule rule, struct ids *n, const struct ids *o, bool capable,
		     const struct sys_args *a)
{
	switch (rule) {
	case RULE_ONE:
		return rule_set(n, o, capable, arg_u32(a, 0));
	case RULE_TWO:
		return rule_set_two(n, o, capable, arg_u32(a, 0), arg_u32(a, 1));
	default:
		return rule_set_three(n, o, capable, arg_u32(a, 0), arg_u32(a, 1), arg_u32(a, 2));
	}
}

static int64_t change_uids(struct task *t, const struct sys_args *a, enum rule rule)
{
	const struct cred *old = t->cred;
	struct ids o = {old->uid, old->euid, old->suid, old->fsuid}, n = o;
	struct cred *c;
	int64_t err = apply(rule, &n, &o, cred_capable(old, LX_CAP_SETUID), a);

	if (err == 0)
		err = cred_prepare(t, &c);
	if (err < 0)
		return err;
	c->uid = n.real;
	c->euid = n.effective;
	c->suid = n.saved;
	c->fsuid = n.fs;
	cred_fix_caps(old, c);
	cred_commit(t, c);
	return 0;
}

static int64_t change_gids(struct task *t, const struct sys_args *a, enum rule rule)
{
	const struct cred *old = t->cred;
	struct ids o = {old->gid, old->egid, old->sgid, old->fsgid}, n = o;
	struct cred *c;
	int64_t err = apply(rule, &n, &o, cred_capable(old, LX_CAP_SETGID), a);

	if (err == 0)
		err = cred_prepare(t, &c);
	if (err < 0)
		return err;
	c->gid = n.real;
	c->egid = n.effective;
	c->sgid = n.saved;
	c->fsgid = n.fs;
	cred_commit(t, c);
	return 0;
}

int64_t sys_setuid(struct task *t, const struct sys_args *a)
{
	return change_uids(t, a, RULE_ONE);
}

int64_t sys_setreuid(struct task *t, const struct sys_args *a)
{
	return change_uids(t, a, RULE_TWO);
}

int64_t sys_setresuid(struct task *t, const struct sys_args *a)
{
	return change_uids(t, a, RULE_THREE);
}

int64_t sys_setgid(struct task *t, const struct sys_args *a)
{
	return change_gids(t, a, RULE_ONE);
}

int64_t sys_setregid(struct task *t, const struct sys_args *a)
{
	return change_gids(t, a, RULE_TWO);
}

int64_t sys_setresgid(struct task *t, const struct sys_args *a)
{
	return change_gids(t, a, RULE_THREE);
}

/* setfsuid(2) cannot fail: it returns the old id, whether it changed or not. */
int64_t sys_setfsuid(struct task *t, const struct sys_args *a)
{
	const struct cred *old = t->cred;
	uint32_t id = arg_u32(a, 0), before = old->fsuid;
	struct ids o = {old->uid, old->euid, old->suid, old->fsuid};
	struct cred *c;

	if (id == ID_KEEP || id == before ||
	    (!one_of(id, &o) && !cred_capable(old, LX_CAP_SETUID)) || cred_prepare(t, &c) < 0)
		return before;
	c->fsuid = id;
	cred_fix_caps(old, c);
	cred_commit(t, c);
	return before;
}

int64_t sys_setfsgid(struct task *t, const struct sys_args *a)
{
	const struct cred *old = t->cred;
	uint32_t id = arg_u32(a, 0), before = old->fsgid;
	struct ids o = {old->gid, old->egid, old->sgid, old->fsgid};
	struct cred *c;

	if (id == ID_KEEP || id == before ||
	    (!one_of(id, &o) && !cred_capable(old, LX_CAP_SETGID)) || cred_prepare(t, &c) < 0)
		return before;
	c->fsgid = id;
	cred_commit(t, c);
	return before;
}

int64_t sys_getgroups(struct task *t, const struct sys_args *a)
{
	const struct cred *c = t->cred;
	int size = arg_int(a, 0);

	if (size < 0 || (size > 0 && (uint32_t)size < c->ngroups))
		return -LX_EINVAL;
	if (size > 0 && c->ngroups &&
	    copy_to_user(t->mm, arg_ptr(a, 1), c->groups, c->ngroups * sizeof(*c->groups)) < 0)
		return -LX_EFAULT;
	return c->ngroups;
}

int64_t sys_setgroups(struct task *t, const struct sys_args *a)
{
	uint32_t n = arg_u32(a, 0), *groups = NULL;
	struct cred *c;
	int64_t err = 0;

	if (!cred_capable(t->cred, LX_CAP_SETGID))
		return -LX_EPERM;
	if (n > LX_NGROUPS_MAX)
		return -LX_EINVAL;
	if (n) {
		groups = malloc(n * sizeof(*groups));
		if (!groups)
			return -LX_ENOMEM;
		err = copy_from_user(t->mm, groups, arg_ptr(a, 1), n * sizeof(*groups));
	}
	if (err == 0)
		err = cred_prepare(t, &c);
	if (err == 0) {
		err = cred_set_groups(c, groups, n);
		if (err == 0)
			cred_commit(t, c);
		else
			cred_put(c);
	}
	free(groups);
	return err;
}

/* capget(2): header {version, pid}, then one or two records of 32 bits of each set. */
#define CAP_VERSION_1 0x19980330u
#define CAP_VERSION_2 0x20071026u
#define CAP_VERSION_3 0x20080522u

struct lx_cap_header {
	uint32_t version;
	int32_t pid;
};
struct lx_cap_data {
	uint32_t effective, permitted, inheritable;
};

/* The number of records of the header's version.  An unknown one is replaced by ours. */
static int64_t cap_records(struct task *t, struct guest_ptr p, struct lx_cap_header *h)
{
	if (copy_from_user(t->mm, h, p, sizeof(*h)) < 0)
		return -LX_EFAULT;
	switch (h->version) {
	case CAP_VERSION_1:
		return 1;
	case CAP_VERSION_2:
	case CAP_VERSION_3:
		return 2;
	default:
		return put_user_u32(t->mm, p, CAP_VERSION_3) < 0 ? -LX_EFAULT : -LX_EINVAL;
	}
}

int64_t sys_capget(struct task *t, const struct sys_args *a)
{
	struct lx_cap_header h;
	struct lx_cap_data d[2];
	const struct cred *c;
	struct task *other;
	int64_t n = cap_records(t, arg_ptr(a, 0), &h);

	if (guest_ptr_null(arg_ptr(a, 1)))
		return n == -LX_EINVAL ? 0 : MIN(n, INT64_C(0)); /* a probe for the version */
	if (n < 0)
		return n;
	if (h.pid < 0)
		return -LX_EINVAL;
	other = h.pid ? task_find(t->guest, h.pid) : task_get(t);
	if (!other)
		return -LX_ESRCH;
	c = task_get_cred(other);
	for (unsigned i = 0; i < 2; i++)
		d[i] = (struct lx_cap_data){(uint32_t)(c->cap_effective >> 32 * i),
					    (uint32_t)(c->cap_permitted >> 32 * i),
					    (uint32_t)(c->cap_inheritable >> 32 * i)};
	cred_put(c);
	task_put(other);
	return copy_to_user(t->mm, arg_ptr(a, 1), d, (size_t)n * sizeof(d[0]));
}

int64_t sys_capset(struct task *t, const struct sys_args *a)
{
	const struct cred *old = t->cred;
	uint64_t known = (UINT64_C(2) << LX_CAP_LAST) - 1, eff = 0, perm = 0, inh = 0;
	struct lx_cap_header h;
	struct lx_cap_data d[2] = {{0, 0, 0}, {0, 0, 0}};
	struct cred *c;
	int64_t err, n = cap_records(t, arg_ptr(a, 0), &h);

	if (n < 0)
		return n;
	if (h.pid && h.pid != t->tid)
		return -LX_EPERM;
	if (copy_from_user(t->mm, d, arg_ptr(a, 1), (size_t)n * sizeof(d[0])) < 0)
		return -LX_EFAULT;
	for (unsigned i = 0; i < 2; i++) {
		eff |= (uint64_t)d[i].effective << 32 * i & known;
		perm |= (uint64_t)d[i].permitted << 32 * i & known;
		inh |= (uint64_t)d[i].inheritable << 32 * i & known;
	}
	if ((perm & ~old->cap_permitted) || (eff & ~perm) ||
	    (inh & ~(old->cap_inheritable | old->cap_bounding)) ||
	    (!cred_capable(old, LX_CAP_SETPCAP) && (inh & ~(old->cap_inheritable | old->cap_permitted))))
		return -LX_EPERM;
	err = cred_prepare(t, &c);
	if (err < 0)
		return err;
	c->cap_effective = eff;
	c->cap_permitted = perm;
	c->cap_inheritable = inh;
	c->cap_ambient &= perm & inh;
	cred_commit(t, c);
	return 0;
}
