/* handle.c: see handle.h. */
#include "fsd/handle.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "common/plat/errno.h"

int handle_host_flags(uint32_t flags)
{
	int host = O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY;

	switch (flags & LX_O_ACCMODE) {
	case 0:
		host |= O_RDONLY;
		break;
	case LX_O_WRONLY:
		host |= O_WRONLY;
		break;
	default:
		host |= O_RDWR;
		break;
	}
	if ((flags & LX_O_SYNC) == LX_O_SYNC)
		host |= O_SYNC;
	else if (flags & LX_O_DSYNC)
		host |= O_DSYNC;
	return host;
}

int handle_new(struct fsd_session *s, struct node *n, int fd, uint32_t flags, struct handle **out)
{
	struct handle *h = NULL;

	if (s->handle_count >= s->max_handles) {
		close(fd);
		return -LX_EMFILE;
	}
	h = calloc(1, sizeof(*h));
	if (!h) {
		close(fd);
		return -LX_ENOMEM;
	}
	h->id = s->next_handle++;
	h->node = n;
	h->fd = fd;
	h->flags = flags;
	hash_add(&s->handles, &h->by_id, hash_u64(h->id));
	list_add(&h->of_node, &n->handles);
	s->handle_count++;
	*out = h;
	return 0;
}

struct handle *handle_get(struct fsd_session *s, uint64_t id)
{
	struct hash_node *at;

	hash_for_each_match(at, &s->handles, hash_u64(id))
	{
		struct handle *h = container_of(at, struct handle, by_id);

		if (h->id == id)
			return h;
	}
	return NULL;
}

/* The last handle of an unlinked file takes its hidden name with it. */
static void drop_hidden(struct fsd_session *s, struct node *n)
{
	char name[32];

	if (n->where != NODE_HIDDEN || !list_empty(&n->handles))
		return;
	snprintf(name, sizeof(name), "h%llu", (unsigned long long)n->id);
	unlinkat(n->mount->work.temp, name, 0);
	node_set_gone(s, n);
}

void handle_close(struct fsd_session *s, struct handle *h)
{
	struct node *n = h->node;

	hash_del(&s->handles, &h->by_id);
	list_del_init(&h->of_node);
	close(h->fd);
	free(h);
	s->handle_count--;
	drop_hidden(s, n);
	node_unuse(s, n);
}

void handles_close_all(struct fsd_session *s)
{
	for (size_t b = 0; s->handles.buckets && b <= s->handles.mask; b++)
		while (s->handles.buckets[b])
			handle_close(s, container_of(s->handles.buckets[b], struct handle, by_id));
}

int handle_donate(struct fsd_session *s, struct handle *h, struct ipc_fds *out)
{
	int fd;

	if (s->strict || h->node->type != S_IFREG || out->count >= IPC_MAX_FDS)
		return 0;
	fd = fcntl(h->fd, F_DUPFD_CLOEXEC, 0);
	if (fd < 0)
		return plat_errno(errno);
	out->fd[out->count++] = fd;
	return 0;
}

void handles_follow_copy_up(struct fsd_session *s, struct node *n)
{
	struct handle *h;
	char buf[32];
	const char *name;
	int dfd;

	if (list_empty(&n->handles) || node_place(s, n, &dfd, &name, buf) < 0)
		return;
	list_for_each_entry (h, &n->handles, of_node) {
		int fd = openat(dfd, name, handle_host_flags(h->flags));

		if (fd < 0)
			continue; /* it goes on showing the old content */
		dup3(fd, h->fd, O_CLOEXEC);
		close(fd);
	}
}
