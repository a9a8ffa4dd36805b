/*
 * cmsg.c: ancillary data (cmsg(3), unix(7)): from the guest's buffer into a struct sock_msg and
 * back.  Everything in the buffer is the guest's: each length is checked before it is used.
 */
#include "common/lx/capability.h"
#include "supervisor/net/socket.h"
#include "supervisor/task/task.h"

#define CONTROL_MAX 20480u /* net.core.optmem_max */

/* SCM_CREDENTIALS: one's own, or anyone's with the capability for it. */
static int parse_cred(struct task *t, struct sock_msg *m, const uint8_t *data, uint64_t len)
{
	const struct cred *c = t->cred;
	struct lx_ucred u;

	if (len != sizeof(u))
		return -LX_EINVAL;
	memcpy(&u, data, sizeof(u));
	if (u.pid != t->group->tgid && !cred_capable(c, LX_CAP_SYS_ADMIN))
		return -LX_EPERM;
	if (u.uid != c->uid && u.uid != c->euid && u.uid != c->suid &&
	    !cred_capable(c, LX_CAP_SETUID))
		return -LX_EPERM;
	if (u.gid != c->gid && u.gid != c->egid && u.gid != c->sgid &&
	    !cred_capable(c, LX_CAP_SETGID))
		return -LX_EPERM;
	m->cred = u;
	m->has_cred = true;
	return 0;
}

static int parse_rights(struct task *t, struct sock_msg *m, const uint8_t *data, uint64_t len)
{
	uint64_t n = len / sizeof(int32_t);

	if (n + m->nfiles > LX_SCM_MAX_FD)
		return -LX_EINVAL;
	if (!m->files)
		m->files = calloc(LX_SCM_MAX_FD, sizeof(struct file *));
	if (!m->files)
		return -LX_ENOMEM;
	for (uint64_t i = 0; i < n; i++) {
		struct file *f;
		int32_t fd;

		memcpy(&fd, data + i * sizeof(fd), sizeof(fd));
		f = fd_file(t, fd);
		if (!f)
			return -LX_EBADF;
		m->files[m->nfiles++] = f;
	}
	return 0;
}

/* One piece; those of other levels stay in the raw buffer for the family. */
static int parse_one(struct task *t, struct sock_msg *m, const struct lx_cmsghdr *h,
                     const uint8_t *data)
{
	uint64_t len = h->len - sizeof(*h);

	if (h->level != LX_SOL_SOCKET)
		return 0;
	if (h->type == LX_SCM_RIGHTS)
		return parse_rights(t, m, data, len);
	if (h->type == LX_SCM_CREDENTIALS)
		return parse_cred(t, m, data, len);
	return -LX_EINVAL;
}

int cmsg_parse(struct task *t, struct sock_msg *m, struct guest_ptr control, uint64_t len)
{
	uint64_t at = 0;
	int r;

	if (len == 0)
		return 0;
	if (len > CONTROL_MAX)
		return -LX_ENOBUFS;
	m->control = malloc(len);
	if (!m->control)
		return -LX_ENOMEM;
	r = copy_from_user(t->mm, m->control, control, len);
	m->control_len = (uint32_t)len;
	while (r == 0 && len - at >= sizeof(struct lx_cmsghdr)) {
		struct lx_cmsghdr h;
		uint64_t step;

		memcpy(&h, m->control + at, sizeof(h));
		if (h.len < sizeof(h) || h.len > len - at)
			return -LX_EINVAL;
		r = parse_one(t, m, &h, m->control + at + sizeof(h));
		step = LX_CMSG_ALIGN(h.len);
		if (step >= len - at)
			break;
		at += step;
	}
	return r;
}

void cmsg_release(struct sock_msg *m)
{
	for (unsigned i = 0; i < m->nfiles; i++)
		file_put(m->files[i]);
	free(m->files);
	free(m->control);
	m->files = NULL;
	m->control = NULL;
	m->nfiles = 0;
	m->control_len = 0;
}

int cmsg_put(struct task *t, struct sock_msg *m, int level, int type, const void *data,
             uint64_t len)
{
	uint64_t room = m->control_room - m->control_used;
	struct lx_cmsghdr h = {sizeof(h) + len, level, type};
	struct guest_ptr at = guest_ptr_add(m->control_to, m->control_used);
	int r;

	if (room < sizeof(h)) {
		m->out_flags |= LX_MSG_CTRUNC;
		return 0;
	}
	if (room < h.len) {
		m->out_flags |= LX_MSG_CTRUNC;
		h.len = room;
	}
	r = copy_to_user(t->mm, at, &h, sizeof(h));
	if (r == 0)
		r = copy_to_user(t->mm, guest_ptr_add(at, sizeof(h)), data, h.len - sizeof(h));
	if (r == 0)
		m->control_used += MIN(LX_CMSG_ALIGN(h.len), room);
	return r;
}

int cmsg_put_files(struct task *t, struct sock_msg *m, struct file **files, unsigned n)
{
	uint64_t room = m->control_room - m->control_used;
	int32_t fds[LX_SCM_MAX_FD];
	unsigned fit = 0, done = 0;
	int r = 0;

	if (room >= sizeof(struct lx_cmsghdr)) {
		room = (room - sizeof(struct lx_cmsghdr)) / sizeof(int32_t);
		fit = MIN(n, (unsigned)LX_SCM_MAX_FD);
		fit = (unsigned)MIN(room, (uint64_t)fit);
	}
	for (; done < fit; done++) {
		int64_t fd = fd_install(t, files[done], 0, m->flags & LX_MSG_CMSG_CLOEXEC);

		if (fd < 0)
			break;
		fds[done] = (int32_t)fd;
	}
	/* Descriptors that do not fit, in the buffer or in the table, are lost. */
	if (done < n)
		m->out_flags |= LX_MSG_CTRUNC;
	for (unsigned i = done; i < n; i++)
		file_put(files[i]);
	if (done > 0)
		r = cmsg_put(t, m, LX_SOL_SOCKET, LX_SCM_RIGHTS, fds, done * sizeof(int32_t));
	return r;
}
