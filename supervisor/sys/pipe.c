/* pipe.c: pipe2(2). */
#include "supervisor/vfs/pipe.h"

#include "common/lx/errno.h"
#include "common/lx/fcntl.h"
#include "supervisor/guest.h"
#include "supervisor/sys/sys.h"
#include "supervisor/task/task.h"

int64_t sys_pipe2(struct task *t, const struct sys_args *a)
{
	uint32_t flags = arg_u32(a, 1);
	struct file *r, *w;
	int32_t fds[2];
	int64_t ret;

	if (flags & ~(LX_O_NONBLOCK | LX_O_CLOEXEC | LX_O_DIRECT))
		return -LX_EINVAL;
	ret = pipe_new(t->guest, flags & (LX_O_NONBLOCK | LX_O_DIRECT), &r, &w);
	if (ret < 0)
		return ret;
	ret = fd_install(t, r, 0, flags & LX_O_CLOEXEC);
	if (ret < 0) {
		file_put(r);
		file_put(w);
		return ret;
	}
	fds[0] = (int32_t)ret;
	ret = fd_install(t, w, 0, flags & LX_O_CLOEXEC);
	if (ret < 0) {
		file_put(w);
		fd_close(t, fds[0]);
		return ret;
	}
	fds[1] = (int32_t)ret;
	ret = copy_to_user(t->mm, arg_ptr(a, 0), fds, sizeof(fds));
	if (ret < 0) {
		fd_close(t, fds[0]);
		fd_close(t, fds[1]);
	}
	return ret;
}
