/* slow.c: see slow.h.  Helpers are started as jobs wait, and stay. */
#include "fsd/slow.h"

#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

#include "common/plat/errno.h"
#include "common/plat/fs.h"
#include "ipc/fsd.h"

enum { MAX_HELPERS = 4 };

struct queued {
	struct slow_job job; /* its descriptors are copies, closed with it */
	struct ipc_call *call;
	struct queued *next;
};

/* All under lock.  idle counts helpers that wait for a job. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t arrived = PTHREAD_COND_INITIALIZER;
static struct queued *head, **tail = &head;
static unsigned helpers, idle;

static int64_t run(const struct slow_job *j)
{
	int r;

	switch (j->kind) {
	case SLOW_FSYNC:
		do
			r = j->data_only ? fdatasync(j->fd) : fsync(j->fd);
		while (r < 0 && errno == EINTR);
		return r < 0 ? plat_errno(errno) : 0;
	case SLOW_FALLOCATE:
		return plat_fallocate(j->fd, j->mode, j->off, j->len);
	default:
		return plat_copy_range(j->fd, j->off, j->to, j->to_off, j->len);
	}
}

static void finish(struct queued *q)
{
	struct fsd_fsync_rep fsync_rep = {0};
	struct fsd_fallocate_rep fallocate_rep = {0};
	struct fsd_copy_range_rep copy_rep = {0};
	int64_t r = run(&q->job);

	if (q->job.kind == SLOW_FSYNC)
		fsd_finish_fsync(q->call, r, &fsync_rep, NULL);
	else if (q->job.kind == SLOW_FALLOCATE)
		fsd_finish_fallocate(q->call, r, &fallocate_rep, NULL);
	else
		fsd_finish_copy_range(q->call, r, &copy_rep, NULL);
	close(q->job.fd);
	if (q->job.to >= 0)
		close(q->job.to);
	free(q);
}

static void *help(void *arg)
{
	(void)arg;
	for (;;) {
		struct queued *q;

		pthread_mutex_lock(&lock);
		idle++;
		while (!head)
			pthread_cond_wait(&arrived, &lock);
		idle--;
		q = head;
		head = q->next;
		if (!head)
			tail = &head;
		pthread_mutex_unlock(&lock);
		finish(q);
	}
	return NULL;
}

/* With the lock held. */
static void need_helper(void)
{
	pthread_t id;

	if (idle || helpers == MAX_HELPERS || pthread_create(&id, NULL, help, NULL) != 0)
		return;
	pthread_detach(id);
	helpers++;
}

int64_t slow_run(struct fsd_session *s, const struct slow_job *job)
{
	struct queued *q = s->conn ? calloc(1, sizeof(*q)) : NULL;
	bool taken;

	if (!q)
		return run(job);
	q->job = *job;
	q->job.fd = fcntl(job->fd, F_DUPFD_CLOEXEC, 0);
	q->job.to = job->kind == SLOW_COPY ? fcntl(job->to, F_DUPFD_CLOEXEC, 0) : -1;
	pthread_mutex_lock(&lock);
	need_helper();
	if (helpers && q->job.fd >= 0 && (q->job.to >= 0 || job->kind != SLOW_COPY))
		q->call = ipc_conn_defer(s->conn, NULL, NULL);
	taken = q->call != NULL;
	if (taken) { /* from here on q is the helper's, who frees it */
		*tail = q;
		tail = &q->next;
		pthread_cond_signal(&arrived);
	}
	pthread_mutex_unlock(&lock);
	if (taken)
		return 0;
	if (q->job.fd >= 0)
		close(q->job.fd);
	if (q->job.to >= 0)
		close(q->job.to);
	free(q);
	return run(job);
}
