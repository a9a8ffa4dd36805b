/*
 * list.h: intrusive doubly linked list with a sentinel head.
 * A node that is on no list points to itself after list_init or list_del_init.
 */
#ifndef COMMON_LIST_H
#define COMMON_LIST_H

#include "common/base.h"

struct list_head {
	struct list_head *next, *prev;
};

#define LIST_HEAD_INIT(name) { &(name), &(name) }

static inline void list_init(struct list_head *h)
{
	h->next = h;
	h->prev = h;
}

static inline bool list_empty(const struct list_head *h)
{
	return h->next == h;
}

static inline void list_insert_between(struct list_head *n, struct list_head *prev,
				       struct list_head *next)
{
	next->prev = n;
	n->next = next;
	n->prev = prev;
	prev->next = n;
}

/* Adds n directly behind h (a stack's push). */
static inline void list_add(struct list_head *n, struct list_head *h)
{
	list_insert_between(n, h, h->next);
}

/* Adds n before h, which for a head is the list's end (a queue's push). */
static inline void list_add_tail(struct list_head *n, struct list_head *h)
{
	list_insert_between(n, h->prev, h);
}

/* Takes n off its list and leaves it as an empty list, so that it may be deleted again. */
static inline void list_del_init(struct list_head *n)
{
	n->prev->next = n->next;
	n->next->prev = n->prev;
	list_init(n);
}

#define list_entry(ptr, type, member) container_of(ptr, type, member)
#define list_first_entry(h, type, member) list_entry((h)->next, type, member)

/* The node inside pos, computed without looking at *pos: at the end of a loop pos is made from the
 * head and is no object (and may not even be aligned like one). */
#define list_node_of(pos, member) \
	((struct list_head *)(void *)((char *)(void *)(pos) + offsetof(__typeof__(*(pos)), member)))

#define list_for_each_entry(pos, h, member)                         \
	for (pos = list_entry((h)->next, __typeof__(*pos), member); \
	     list_node_of(pos, member) != (h);                      \
	     pos = list_entry(list_node_of(pos, member)->next, __typeof__(*pos), member))

/* As above; the body may delete pos. */
#define list_for_each_entry_safe(pos, tmp, h, member)                                          \
	for (pos = list_entry((h)->next, __typeof__(*pos), member),                            \
	    tmp = list_entry(list_node_of(pos, member)->next, __typeof__(*pos), member);       \
	     list_node_of(pos, member) != (h); pos = tmp,                                      \
	    tmp = list_entry(list_node_of(tmp, member)->next, __typeof__(*tmp), member))

#endif
