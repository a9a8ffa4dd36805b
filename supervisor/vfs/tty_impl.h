/*
 * tty_impl.h: the inside of terminals, for vfs/tty*.c and vfs/fs_pts.c only.
 *
 * A terminal is a pseudo-terminal pair: the slave side with the line discipline, which programs
 * use, and a master side, which is either an open file (/dev/ptmx) or, for the container's
 * console, the relay socket to the monitor.  What a program writes goes through the discipline
 * into `out`, from which the master reads; what the master writes goes into `in`, from which
 * tty_pump_locked feeds the discipline as far as it has room.
 *
 * tty.lock stands among the object locks, so signals (which take the pid table's lock) are
 * noted in `signals` while it is held and sent by tty_unlock.
 */
#ifndef SUPERVISOR_VFS_TTY_IMPL_H
#define SUPERVISOR_VFS_TTY_IMPL_H

#include <pthread.h>

#include "common/base.h"
#include "common/lx/capability.h"
#include "common/lx/errno.h"
#include "common/lx/fcntl.h"
#include "common/lx/ioctl.h"
#include "common/lx/poll.h"
#include "common/lx/termios.h"
#include "supervisor/guest.h"
#include "supervisor/mm/uaccess.h"
#include "supervisor/task/signal.h"
#include "supervisor/vfs/ldisc.h"
#include "supervisor/vfs/poll.h"
#include "supervisor/vfs/tty.h"

#define PTS_MAJOR 136
#define PTS_MAX   4096

#define TTY_QUEUE      8192u
#define TTY_ECHO_SPACE 1024u /* of `out`, that only echo may fill */
#define TTY_DELIVERED  4096u /* of `out`, which a flush leaves */

/* A queue of bytes. */
struct tty_queue {
	uint32_t head, count;
	uint8_t bytes[TTY_QUEUE];
};

struct tty {
	struct guest *guest;
	uint32_t refs; /* atomic: open files, sessions, the pts table while the master is open */
	int32_t index;
	bool is_console;
	uint32_t uid;        /* who made it: the node's owner */
	struct inode *inode; /* /dev/pts/N; set once, a reference; the pts table's lock */

	pthread_mutex_t lock; /* everything below */
	struct ldisc ld;
	struct lx_winsize size;
	struct tty_queue in, out;
	int32_t session, pgrp; /* 0: none */
	uint32_t slaves;       /* open files of the slave side */
	uint32_t hangups;      /* files opened before the last one are dead */
	bool slave_was_open;
	bool master_closed;
	bool locked; /* TIOCSPTLCK */
	bool exclusive;
	bool packet_mode;
	uint8_t packet_status;
	bool output_off; /* TCOOFF */
	uint64_t signals; /* bit n-1: to be sent to signal_pgrp by tty_unlock */
	int32_t signal_pgrp;
	/* Console only. */
	int relay_fd;        /* -1 otherwise */
	int wake_pipe[2];    /* tells the relay thread to look again */
	bool relay_waits;    /* it has been told that there is output */
	bool relay_lost;     /* the monitor's end is closed */

	struct waitq read_wait, write_wait;     /* slave side */
	struct waitq master_read, master_write; /* master side */
};

/* One open file of a terminal; file->priv. */
struct tty_file {
	struct tty *tty;
	bool master;
	uint32_t hangups; /* tty.hangups at open */
};

struct tty_file *tty_file_of(const struct file *f);
bool file_is_tty(const struct file *f);

int tty_new(struct guest *g, struct tty **out) MUST_CHECK;
/* Locks; unlocking also sends noted signals, wakes nobody. */
void tty_lock(struct tty *tty);
void tty_unlock(struct tty *tty);
/* Notes a signal for the foreground group. */
void tty_note_signal_locked(struct tty *tty, int sig);
/* True when f was opened before a hangup. */
bool tty_file_hung_locked(const struct tty_file *tf);

uint32_t queue_room(const struct tty_queue *q);
size_t queue_put(struct tty_queue *q, const uint8_t *p, size_t n);
size_t queue_peek(const struct tty_queue *q, uint8_t *p, size_t n);
void queue_drop(struct tty_queue *q, size_t n);

/* Feeds what the master wrote to the discipline. */
void tty_pump_locked(struct tty *tty);
/* What was put into `out` goes on its way: wakes the master's reader, or sends to the relay. */
void tty_output_ready_locked(struct tty *tty);
/* Bytes typed: n or fewer when there is no room. */
size_t tty_type(struct tty *tty, const uint8_t *p, size_t n);
void tty_set_size(struct tty *tty, const struct lx_winsize *size);
/* Throws away output that has not got far yet. */
void tty_flush_output_locked(struct tty *tty);
void tty_set_packet_status_locked(struct tty *tty, uint8_t bits);

/* Makes file an open file of the slave or master side; a reference is taken. */
int tty_open_slave(struct task *t, struct tty *tty, struct file *file) MUST_CHECK;
int tty_open_master(struct tty *tty, struct file *file) MUST_CHECK;
int64_t tty_ioctl(struct task *t, struct file *f, uint32_t request, uint64_t arg);

/* Job control: 0, or what the call of a background process returns (it got a signal). */
int tty_check_background(struct task *t, struct tty *tty, int sig) MUST_CHECK;
void tty_acquire_on_open(struct task *t, struct tty *tty, uint32_t flags);
int64_t tty_job_ioctl(struct task *t, struct tty_file *tf, uint32_t request, uint64_t arg);
/* Everybody on the slave side is cut off. */
void tty_hangup(struct tty *tty);

/* The pts table. */
int pts_add(struct guest *g, struct tty *tty) MUST_CHECK;
void pts_remove(struct guest *g, struct tty *tty);
/* The terminal of that index, with a reference, or NULL. */
struct tty *pts_find(struct guest *g, int32_t index);
/* Opens the slave of a master (TIOCGPTPEER). */
int64_t pts_open_peer(struct task *t, struct tty *tty, uint32_t flags);
/* The console, with a reference, or NULL. */
struct tty *tty_console_get(struct guest *g);
/* Sends from `out` to the relay as much as it takes at once. */
void tty_console_send_locked(struct tty *tty);

#endif
