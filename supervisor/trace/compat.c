/* compat.c: see compat.h. */
#include "supervisor/trace/compat.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

#include "common/lx/errno.h"

#define MAX_ITEMS 1024u

struct compat_item {
	char kind[16];
	char what[240];
	uint64_t count;
};

struct compat {
	pthread_mutex_t lock;
	struct compat_item *items;
	uint32_t n;
	uint64_t dropped;
};

struct compat *compat_new(void)
{
	struct compat *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->items = calloc(MAX_ITEMS, sizeof(*c->items));
	if (!c->items) {
		free(c);
		return NULL;
	}
	pthread_mutex_init(&c->lock, NULL);
	return c;
}

static void count_locked(struct compat *c, const char *kind, const char *what)
{
	for (uint32_t i = 0; i < c->n; i++) {
		if (strcmp(c->items[i].kind, kind) == 0 && strcmp(c->items[i].what, what) == 0) {
			c->items[i].count++;
			return;
		}
	}
	if (c->n == MAX_ITEMS) {
		c->dropped++;
		return;
	}
	snprintf(c->items[c->n].kind, sizeof(c->items[c->n].kind), "%s", kind);
	snprintf(c->items[c->n].what, sizeof(c->items[c->n].what), "%s", what);
	c->items[c->n++].count = 1;
}

void compat_count(struct compat *c, const char *kind, const char *what)
{
	char cut[sizeof(c->items->what)];

	snprintf(cut, sizeof(cut), "%s", what);
	pthread_mutex_lock(&c->lock);
	count_locked(c, kind, cut);
	pthread_mutex_unlock(&c->lock);
}

static bool is_kernel_path(const char *path)
{
	return strncmp(path, "/proc/", 6) == 0 || strncmp(path, "/sys/", 5) == 0 || strncmp(path, "/dev/", 5) == 0;
}

void compat_judge(struct compat *c, const struct observed_call *call, int64_t result)
{
	const struct sys_row *row = call->row;
	char what[240];

	if (!row || row->level == SYS_NONE) {
		snprintf(what, sizeof(what), "%s (%" PRIu64 ")", row ? row->name : "unknown", call->nr);
		compat_count(c, "missing call", what);
		return;
	}
	if (row->level == SYS_PARTIAL)
		compat_count(c, "partial call", row->name);
	if (strcmp(row->name, "ioctl") == 0 && result == -LX_ENOTTY) {
		snprintf(what, sizeof(what), "0x%" PRIx64, call->args.v[1]);
		compat_count(c, "ioctl", what);
	} else if (result == -LX_ENOENT && is_kernel_path(call->path)) {
		compat_count(c, "path", call->path);
	} else if (result == -LX_EOPNOTSUPP || result == -LX_ENOPROTOOPT) {
		snprintf(what, sizeof(what), "%.32s(%.200s)", row->name, call->text);
		compat_count(c, "refused", what);
	}
}

static int by_count(const void *a, const void *b)
{
	const struct compat_item *x = a, *y = b;
	int kinds = strcmp(x->kind, y->kind);

	return kinds ? kinds : x->count < y->count ? 1 : x->count > y->count ? -1 : strcmp(x->what, y->what);
}

void compat_print(struct compat *c, int fd)
{
	pthread_mutex_lock(&c->lock);
	qsort(c->items, c->n, sizeof(*c->items), by_count);
	dprintf(fd, "carrick: compatibility report: %" PRIu32 " kinds of requests were missing or partial\n", c->n);
	for (uint32_t i = 0; i < c->n; i++)
		dprintf(fd, "  %-13s %8" PRIu64 "  %s\n", c->items[i].kind, c->items[i].count, c->items[i].what);
	if (c->dropped)
		dprintf(fd, "  and %" PRIu64 " further requests of other kinds\n", c->dropped);
	pthread_mutex_unlock(&c->lock);
}
