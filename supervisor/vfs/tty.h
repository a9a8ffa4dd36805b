/*
 * tty.h: terminals as the rest of the supervisor sees them: controlling terminals of sessions,
 * and the container's console, a terminal whose other side is a host stream socket.
 */
#ifndef SUPERVISOR_VFS_TTY_H
#define SUPERVISOR_VFS_TTY_H

#include "common/base.h"

struct file;
struct guest;
struct task;
struct tgroup;
struct tty;

struct tty *tty_get(struct tty *tty);
void tty_put(struct tty *tty);

/*
 * The process gives up its controlling terminal: when a session leader exits (then the
 * foreground group gets SIGHUP, and the whole session loses the terminal), on TIOCNOTTY (then
 * SIGCONT too), and with setsid(2), which calls it for a process that leads no session yet.
 * on_exit: the leader is exiting.  Called without the pid table's lock.
 */
void tty_disassociate(struct tgroup *tg, bool on_exit);

/* The terminal's device number and foreground process group, for /proc/PID/stat; 0 and -1
 * when tty is NULL. */
void tty_describe(struct tty *tty, uint32_t *dev, int32_t *pgrp);

/*
 * The container's console: /dev/pts/0, /dev/console, and, for the container's first process, its
 * stdin, stdout and stderr.  relay_fd is a stream socket to the monitor, which the console owns
 * from here on: bytes typed arrive on it and output leaves on it.  Called once, before any other
 * terminal is made.  -LX_ENOMEM, -LX_EAGAIN (no host thread).
 */
int tty_console_new(struct guest *g, int relay_fd, uint16_t rows, uint16_t columns) MUST_CHECK;
/* Opens the console (O_RDWR, as /dev/pts/0 where devpts is mounted there). */
int tty_console_open(struct task *t, struct file **out) MUST_CHECK;
/* The monitor's window changed: SIGWINCH to the foreground group when the size differs. */
void tty_console_resize(struct guest *g, uint16_t rows, uint16_t columns);
/* Makes tg's session own the console (the container's first process). */
int tty_console_set_controlling(struct guest *g, struct tgroup *tg) MUST_CHECK;
/* Sends what is still in the console's output buffer; waits at most timeout_ms. */
void tty_console_drain(struct guest *g, int timeout_ms);

#endif
