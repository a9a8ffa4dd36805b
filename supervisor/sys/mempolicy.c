/*
 * mempolicy.c: the system calls about memory nodes, for a machine with one node, number 0.
 * Policies are checked and remembered per thread; as there is nothing to choose from, they have
 * no further effect.
 */
#include "common/lx/capability.h"
#include "common/lx/errno.h"
#include "common/lx/mempolicy.h"
#include "supervisor/mm/mm.h"
#include "supervisor/sys/sys.h"
#include "supervisor/task/task.h"
#include "vcpu/pte.h"

#define NODES         1u
#define NODE_MASK     1ull /* the nodes there are */
#define MAX_MASK_BITS (PAGE_SIZE * 8)

/* Copies a node mask in: one word; the words above must be empty. */
static int get_nodes(struct task *t, struct guest_ptr p, uint64_t maxnode, uint64_t *out)
{
	uint64_t bits = maxnode - 1;

	*out = 0;
	if (maxnode <= 1 || guest_ptr_null(p))
		return 0;
	if (bits > MAX_MASK_BITS)
		return -LX_EINVAL;
	for (uint64_t i = 0; i < (bits + 63) / 64; i++) {
		uint64_t word;

		if (get_user_u64(t->mm, &word, guest_ptr_add(p, i * 8)) != 0)
			return -LX_EFAULT;
		if (bits - i * 64 < 64)
			word &= (1ull << (bits - i * 64)) - 1;
		if (i == 0)
			*out = word;
		else if (word != 0)
			return -LX_EINVAL;
	}
	return 0;
}

/* Checks a mode against its nodes and normalises both. */
static int check_policy(uint32_t *mode, uint64_t *nodes)
{
	uint32_t flags = *mode & LX_MPOL_MODE_FLAGS, base = *mode & ~LX_MPOL_MODE_FLAGS;

	if (base > LX_MPOL_PREFERRED_MANY)
		return -LX_EINVAL;
	if (flags & LX_MPOL_F_STATIC_NODES && flags & LX_MPOL_F_RELATIVE_NODES)
		return -LX_EINVAL;
	if (flags & LX_MPOL_F_NUMA_BALANCING && base != LX_MPOL_BIND)
		return -LX_EINVAL;
	switch (base) {
	case LX_MPOL_DEFAULT:
		return *nodes ? -LX_EINVAL : 0;
	case LX_MPOL_LOCAL:
		return *nodes || flags ? -LX_EINVAL : 0;
	case LX_MPOL_PREFERRED:
		if (*nodes == 0) {
			*mode = LX_MPOL_LOCAL;
			return flags ? -LX_EINVAL : 0;
		}
		break;
	default:
		break;
	}
	*nodes &= NODE_MASK;
	return *nodes ? 0 : -LX_EINVAL;
}

int64_t sys_set_mempolicy(struct task *t, const struct sys_args *a)
{
	uint32_t mode = arg_u32(a, 0);
	uint64_t nodes;
	int err = get_nodes(t, arg_ptr(a, 1), a->v[2], &nodes);

	if (!err)
		err = check_policy(&mode, &nodes);
	if (err)
		return err;
	t->mempolicy = mode;
	return 0;
}

/* Copies a node mask out, as long as the caller said. */
static int put_nodes(struct task *t, struct guest_ptr p, uint64_t maxnode, uint64_t nodes)
{
	uint64_t bytes = (maxnode - 1 + 63) / 64 * 8;

	if (bytes == 0)
		bytes = 8;
	if (bytes > PAGE_SIZE)
		return -LX_EINVAL;
	if (put_user_u64(t->mm, p, nodes) != 0)
		return -LX_EFAULT;
	return clear_user(t->mm, guest_ptr_add(p, 8), bytes - 8);
}

int64_t sys_get_mempolicy(struct task *t, const struct sys_args *a)
{
	struct guest_ptr mode_out = arg_ptr(a, 0), nodes_out = arg_ptr(a, 1);
	uint64_t maxnode = a->v[2], addr = a->v[3], flags = a->v[4], nodes = 0;
	uint32_t mode = t->mempolicy, base = mode & ~LX_MPOL_MODE_FLAGS;

	if (flags & ~(uint64_t)(LX_MPOL_F_NODE | LX_MPOL_F_ADDR | LX_MPOL_F_MEMS_ALLOWED))
		return -LX_EINVAL;
	if (!guest_ptr_null(nodes_out) && maxnode < NODES)
		return -LX_EINVAL;
	if (flags & LX_MPOL_F_MEMS_ALLOWED) {
		if (flags & (LX_MPOL_F_NODE | LX_MPOL_F_ADDR))
			return -LX_EINVAL;
		mode = 0;
		nodes = NODE_MASK;
	} else if (flags & LX_MPOL_F_ADDR) {
		uint8_t there;

		if (mm_residency(t->mm, addr & PAGE_MASK, 1, &there) != 0)
			return -LX_EFAULT;
		if (flags & LX_MPOL_F_NODE)
			mode = 0; /* the node of that page */
	} else {
		if (addr != 0)
			return -LX_EINVAL;
		if (flags & LX_MPOL_F_NODE) {
			if (base != LX_MPOL_INTERLEAVE)
				return -LX_EINVAL;
			mode = 0; /* the next node of the interleaving */
		}
	}
	if (!(flags & LX_MPOL_F_MEMS_ALLOWED) && base != LX_MPOL_DEFAULT && base != LX_MPOL_LOCAL)
		nodes = NODE_MASK;
	if (!guest_ptr_null(mode_out) && put_user_u32(t->mm, mode_out, mode) != 0)
		return -LX_EFAULT;
	return guest_ptr_null(nodes_out) ? 0 : put_nodes(t, nodes_out, maxnode, nodes);
}

int64_t sys_mbind(struct task *t, const struct sys_args *a)
{
	uint64_t addr = a->v[0], len = a->v[1], flags = a->v[5], end, nodes;
	uint32_t mode = arg_u32(a, 2);
	int err;

	if (flags & ~(uint64_t)(LX_MPOL_MF_STRICT | LX_MPOL_MF_MOVE | LX_MPOL_MF_MOVE_ALL))
		return -LX_EINVAL;
	if (flags & LX_MPOL_MF_MOVE_ALL && !cred_capable(t->cred, LX_CAP_SYS_NICE))
		return -LX_EPERM;
	if (addr & ~PAGE_MASK)
		return -LX_EINVAL;
	if (add_overflows(addr, len, &end) || round_up_u64(end, PAGE_SIZE) < end)
		return -LX_EINVAL;
	err = get_nodes(t, arg_ptr(a, 3), a->v[4], &nodes);
	if (!err)
		err = check_policy(&mode, &nodes);
	if (err)
		return err;
	end = round_up_u64(end, PAGE_SIZE);
	return mm_is_mapped(t->mm, addr, end - addr) ? 0 : -LX_EFAULT;
}

int64_t sys_set_mempolicy_home_node(struct task *t, const struct sys_args *a)
{
	uint64_t end;

	(void)t;
	if (a->v[0] & ~PAGE_MASK || a->v[3] != 0 || a->v[2] >= NODES)
		return -LX_EINVAL;
	return add_overflows(a->v[0], round_up_u64(a->v[1], PAGE_SIZE), &end) ? -LX_EINVAL : 0;
}

/* The memory that a call about process pid is for, with a reference. */
static int target_mm(struct task *t, int pid, struct mm **out)
{
	struct task *other = pid == 0 ? task_get(t) : task_find(t->guest, pid);
	int err = 0;

	if (!other)
		return -LX_ESRCH;
	if (other != t && !task_may_inspect(t, other))
		err = -LX_EPERM;
	*out = err ? NULL : task_get_mm(other);
	task_put(other);
	if (!err && !*out)
		err = -LX_EINVAL;
	return err;
}

int64_t sys_migrate_pages(struct task *t, const struct sys_args *a)
{
	uint64_t from, to;
	struct mm *mm;
	int err = get_nodes(t, arg_ptr(a, 2), a->v[1], &from);

	if (!err)
		err = get_nodes(t, arg_ptr(a, 3), a->v[1], &to);
	if (!err)
		err = target_mm(t, arg_int(a, 0), &mm);
	if (err)
		return err;
	mm_put(mm);
	/* There is nowhere else to go: no page stays behind. */
	return to & NODE_MASK ? 0 : -LX_EINVAL;
}

/* One page of move_pages: where it is, or what is wrong with it. */
static int page_status(struct task *t, struct mm *mm, struct guest_ptr nodes, uint64_t page)
{
	uint32_t node;
	uint8_t there;

	if (!guest_ptr_null(nodes)) {
		if (get_user_u32(t->mm, &node, nodes) != 0)
			return -LX_EFAULT;
		if (node >= NODES)
			return -LX_ENODEV;
	}
	if (mm_residency(mm, page & PAGE_MASK, 1, &there) != 0)
		return -LX_EFAULT;
	return there ? 0 : -LX_ENOENT;
}

int64_t sys_move_pages(struct task *t, const struct sys_args *a)
{
	struct guest_ptr pages = arg_ptr(a, 2), nodes = arg_ptr(a, 3), status = arg_ptr(a, 4);
	uint64_t n = a->v[1], flags = a->v[5];
	struct mm *mm;
	int64_t ret = 0;
	int err;

	if (flags & ~(uint64_t)(LX_MPOL_MF_MOVE | LX_MPOL_MF_MOVE_ALL))
		return -LX_EINVAL;
	if (flags & LX_MPOL_MF_MOVE_ALL && !cred_capable(t->cred, LX_CAP_SYS_NICE))
		return -LX_EPERM;
	err = target_mm(t, arg_int(a, 0), &mm);
	if (err)
		return err;
	for (uint64_t i = 0; ret == 0 && i < n; i++) {
		struct guest_ptr node = guest_ptr_null(nodes) ? nodes : guest_ptr_add(nodes, i * 4);
		uint64_t page;
		int s;

		if (get_user_u64(t->mm, &page, guest_ptr_add(pages, i * 8)) != 0) {
			ret = -LX_EFAULT;
			break;
		}
		s = page_status(t, mm, node, page);
		if (s == -LX_ENODEV)
			ret = s;
		else if (put_user_u32(t->mm, guest_ptr_add(status, i * 4), (uint32_t)s) != 0)
			ret = -LX_EFAULT;
		if (signal_is_pending(t) && ret == 0 && i + 1 < n)
			ret = -LX_ERESTARTNOHAND;
	}
	mm_put(mm);
	return ret;
}
