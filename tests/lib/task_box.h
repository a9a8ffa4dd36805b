/*
 * task_box.h: a guest of one process with memory and descriptors, and threads that call system
 * calls in it: enough to test handlers without a CPU.
 */
#ifndef TESTS_LIB_TASK_BOX_H
#define TESTS_LIB_TASK_BOX_H

#include "supervisor/guest.h"
#include "supervisor/sys/sys.h"
#include "supervisor/task/task.h"
#include "supervisor/vfs/vfs.h"

struct task_box {
	struct guest guest;
	struct tgroup group;
	struct cred cred;
	struct task task;
	uint64_t mem; /* guest address of a megabyte of scratch memory */
};

/* 0, or -1. */
int task_box_new(struct task_box **out);
void task_box_free(struct task_box *b);
/* Another thread of the process; its system calls run in whatever host thread makes them. */
void task_box_thread(struct task_box *b, struct task *t, int32_t tid);

/* A system call with up to six arguments. */
#define BOX_CALL(b, fn, ...) taskbox_call(&(b)->task, fn, (const uint64_t[6]){__VA_ARGS__})
int64_t taskbox_call(struct task *t, sys_fn *fn, const uint64_t v[6]);

/* Copies into and out of the scratch memory at an offset; the guest address. */
uint64_t taskbox_put(struct task_box *b, size_t offset, const void *p, size_t n);
void taskbox_get(struct task_box *b, size_t offset, void *p, size_t n);

/* Reads and writes an open file by descriptor with our own memory. */
int64_t taskbox_read(struct task *t, int fd, void *p, size_t n);
int64_t taskbox_write(struct task *t, int fd, const void *p, size_t n);

#endif
