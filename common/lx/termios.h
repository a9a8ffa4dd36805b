/*
 * termios.h: terminal attributes as the guest sees them.
 * Sources: termios(3), ioctl_tty(2); generic ABI (arm64 and amd64 agree).
 */
#ifndef COMMON_LX_TERMIOS_H
#define COMMON_LX_TERMIOS_H

#include "common/base.h"

#define LX_NCCS 19

/* The kernel's struct termios (TCGETS): 36 bytes. */
struct lx_termios {
	uint32_t c_iflag, c_oflag, c_cflag, c_lflag;
	uint8_t c_line;
	uint8_t c_cc[LX_NCCS];
};
_Static_assert(sizeof(struct lx_termios) == 36, "struct termios is 36 bytes");

/* TCGETS2: with arbitrary speeds. */
struct lx_termios2 {
	uint32_t c_iflag, c_oflag, c_cflag, c_lflag;
	uint8_t c_line;
	uint8_t c_cc[LX_NCCS];
	uint32_t c_ispeed, c_ospeed;
};
_Static_assert(sizeof(struct lx_termios2) == 44, "struct termios2 is 44 bytes");

/* TCGETA: System V's short form. */
struct lx_termio {
	uint16_t c_iflag, c_oflag, c_cflag, c_lflag;
	uint8_t c_line;
	uint8_t c_cc[8];
};
_Static_assert(sizeof(struct lx_termio) == 18, "struct termio is 18 bytes");

struct lx_winsize {
	uint16_t ws_row, ws_col, ws_xpixel, ws_ypixel;
};
_Static_assert(sizeof(struct lx_winsize) == 8, "struct winsize is 8 bytes");

/* c_cc */
#define LX_VINTR    0
#define LX_VQUIT    1
#define LX_VERASE   2
#define LX_VKILL    3
#define LX_VEOF     4
#define LX_VTIME    5
#define LX_VMIN     6
#define LX_VSWTC    7
#define LX_VSTART   8
#define LX_VSTOP    9
#define LX_VSUSP    10
#define LX_VEOL     11
#define LX_VREPRINT 12
#define LX_VDISCARD 13
#define LX_VWERASE  14
#define LX_VLNEXT   15
#define LX_VEOL2    16

/* A c_cc entry with this value is switched off. */
#define LX_POSIX_VDISABLE 0

/* c_iflag */
#define LX_IGNBRK  0000001u
#define LX_BRKINT  0000002u
#define LX_IGNPAR  0000004u
#define LX_PARMRK  0000010u
#define LX_INPCK   0000020u
#define LX_ISTRIP  0000040u
#define LX_INLCR   0000100u
#define LX_IGNCR   0000200u
#define LX_ICRNL   0000400u
#define LX_IUCLC   0001000u
#define LX_IXON    0002000u
#define LX_IXANY   0004000u
#define LX_IXOFF   0010000u
#define LX_IMAXBEL 0020000u
#define LX_IUTF8   0040000u

/* c_oflag */
#define LX_OPOST  0000001u
#define LX_OLCUC  0000002u
#define LX_ONLCR  0000004u
#define LX_OCRNL  0000010u
#define LX_ONOCR  0000020u
#define LX_ONLRET 0000040u
#define LX_OFILL  0000100u
#define LX_OFDEL  0000200u
#define LX_TABDLY 0014000u
#define LX_XTABS  0014000u

/* c_cflag */
#define LX_CBAUD   0010017u
#define LX_B38400  0000017u
#define LX_CSIZE   0000060u
#define LX_CS8     0000060u
#define LX_CREAD   0000200u
#define LX_PARENB  0000400u
#define LX_HUPCL   0002000u
#define LX_CLOCAL  0004000u
#define LX_BOTHER  0010000u
#define LX_CIBAUD  002003600000u

/* c_lflag */
#define LX_ISIG    0000001u
#define LX_ICANON  0000002u
#define LX_XCASE   0000004u
#define LX_ECHO    0000010u
#define LX_ECHOE   0000020u
#define LX_ECHOK   0000040u
#define LX_ECHONL  0000100u
#define LX_NOFLSH  0000200u
#define LX_TOSTOP  0000400u
#define LX_ECHOCTL 0001000u
#define LX_ECHOPRT 0002000u
#define LX_ECHOKE  0004000u
#define LX_FLUSHO  0010000u
#define LX_PENDIN  0040000u
#define LX_IEXTEN  0100000u
#define LX_EXTPROC 0200000u

/* TCFLSH and TCXONC arguments. */
#define LX_TCIFLUSH  0
#define LX_TCOFLUSH  1
#define LX_TCIOFLUSH 2
#define LX_TCOOFF    0
#define LX_TCOON     1
#define LX_TCIOFF    2
#define LX_TCION     3

/* Packet mode status bits (TIOCPKT). */
#define LX_TIOCPKT_DATA       0
#define LX_TIOCPKT_FLUSHREAD  1
#define LX_TIOCPKT_FLUSHWRITE 2
#define LX_TIOCPKT_STOP       4
#define LX_TIOCPKT_START      8
#define LX_TIOCPKT_NOSTOP     16
#define LX_TIOCPKT_DOSTOP     32
#define LX_TIOCPKT_IOCTL      64

/* Line disciplines (TIOCGETD). */
#define LX_N_TTY 0

#endif
