/*
 * event.h: a double of kqueue(2), enough of it to run common/evloop_kqueue.c on Linux.  Names and
 * meanings are those of macOS's manual page.
 */
#ifndef TESTS_LIB_KQUEUE_SYS_EVENT_H
#define TESTS_LIB_KQUEUE_SYS_EVENT_H

#include <stdint.h>
#include <time.h>

#define EVFILT_READ   (-1)
#define EVFILT_WRITE  (-2)
#define EVFILT_PROC   (-5)
#define EVFILT_SIGNAL (-6)
#define EVFILT_TIMER  (-7)
#define EVFILT_USER   (-10)

#define EV_ADD     0x0001
#define EV_DELETE  0x0002
#define EV_ONESHOT 0x0010
#define EV_CLEAR   0x0020
#define EV_ERROR   0x4000
#define EV_EOF     0x8000

#define NOTE_TRIGGER  0x01000000u
#define NOTE_FFNOP    0x00000000u
#define NOTE_EXIT     0x80000000u
#define NOTE_NSECONDS 0x00000004u

struct kevent {
	uintptr_t ident;
	int16_t filter;
	uint16_t flags;
	uint32_t fflags;
	intptr_t data;
	void *udata;
};

#define EV_SET(kev, a, b, c, d, e, f) (*(kev) = (struct kevent){(a), (b), (c), (d), (e), (f)})

int kqueue(void);
int kevent(int kq, const struct kevent *changes, int nchanges, struct kevent *events, int nevents,
           const struct timespec *timeout);

#endif
