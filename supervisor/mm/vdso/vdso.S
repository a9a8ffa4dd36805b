/*
 * vdso.S: the code that carrick maps into every arm64 process: clock calls that need no system
 * call, and the return from a signal handler.  harness/gen-vdso builds it into vdso_image.h.
 *
 * The page below the image holds the clock data (struct vdso_clock_data in vdso.c).  Readers
 * take a consistent copy: seq is odd while it changes.  A clock's time in nanoseconds is
 * base[clock] + ((counter - last) * mult >> 32); coarse clocks round what is added to base down.
 */
#define DATA_SEQ   0
#define DATA_MASK  4
#define DATA_LAST  8
#define DATA_MULT  16
#define DATA_BASE  32

#define NR_rt_sigreturn  139
#define NR_clock_gettime 113
#define NR_clock_getres  114
#define NR_gettimeofday  169

/* Clocks that tick at the resolution of 4 ms: REALTIME_COARSE and MONOTONIC_COARSE. */
#define COARSE_MASK 0x60
#define COARSE_NS   4000000

	.macro	entry name
	.balign	16
	.globl	\name
	.type	\name, %function
\name:
	.endm

	.text

/*
 * An unwinder finds the frame record, which the signal frame's x29 points at, as the caller's
 * place.  The nop: unwinders look up the return address minus one.
 */
	nop
	entry	__kernel_rt_sigreturn
	.cfi_startproc
	.cfi_signal_frame
	.cfi_def_cfa	x29, 0
	.cfi_offset	x29, 0
	.cfi_offset	x30, 8
	mov	x8, #NR_rt_sigreturn
	svc	#0
	.cfi_endproc
	.size	__kernel_rt_sigreturn, . - __kernel_rt_sigreturn

/*
 * x9: the base of clock w0; x7: nanoseconds since the data page's `last'.  x2: the data page.  Uses
 * x3 to x6, x10.  No ISB: a counter read early is a time before the call, but never before `last',
 * which lies far back.
 */
	.macro	read_clock
1:	ldr	w3, [x2, #DATA_SEQ]
	tbnz	w3, #0, 1b
	dmb	ishld
	add	x4, x2, #DATA_BASE
	ldr	x9, [x4, w0, uxtw #3]
	ldp	x5, x6, [x2, #DATA_LAST]
	mrs	x7, cntvct_el0
	dmb	ishld
	ldr	w10, [x2, #DATA_SEQ]
	cmp	w10, w3
	b.ne	1b
	sub	x7, x7, x5
	mul	x10, x7, x6
	umulh	x7, x7, x6
	extr	x7, x7, x10, #32
	.endm

/* int __kernel_clock_gettime(clockid_t clock, struct timespec *ts) */
	entry	__kernel_clock_gettime
	.cfi_startproc
	adrp	x2, vdso_data
	ldr	w3, [x2, #DATA_MASK]
	cmp	w0, #31
	b.hi	2f
	lsr	w3, w3, w0
	tbz	w3, #0, 2f
	read_clock
	mov	w3, #COARSE_MASK
	lsr	w3, w3, w0
	tbnz	w3, #0, 3f
4:	add	x9, x9, x7
	mov	w3, #0xca00
	movk	w3, #0x3b9a, lsl #16
	udiv	x4, x9, x3
	msub	x5, x4, x3, x9
	stp	x4, x5, [x1]
	mov	w0, #0
	ret
3:	mov	w3, #(COARSE_NS & 0xffff)
	movk	w3, #(COARSE_NS >> 16), lsl #16
	udiv	x4, x7, x3
	mul	x7, x4, x3
	b	4b
2:	mov	x8, #NR_clock_gettime
	svc	#0
	ret
	.cfi_endproc
	.size	__kernel_clock_gettime, . - __kernel_clock_gettime

/* int __kernel_gettimeofday(struct timeval *tv, struct timezone *tz) */
	entry	__kernel_gettimeofday
	.cfi_startproc
	adrp	x2, vdso_data
	ldr	w3, [x2, #DATA_MASK]
	tbz	w3, #0, 2f
	cbz	x1, 3f
	str	xzr, [x1]
3:	cbz	x0, 4f
	mov	x11, x0
	mov	w0, #0
	read_clock
	add	x9, x9, x7
	mov	w3, #1000
	udiv	x9, x9, x3
	mov	w3, #0x4240
	movk	w3, #0xf, lsl #16
	udiv	x4, x9, x3
	msub	x5, x4, x3, x9
	stp	x4, x5, [x11]
4:	mov	w0, #0
	ret
2:	mov	x8, #NR_gettimeofday
	svc	#0
	ret
	.cfi_endproc
	.size	__kernel_gettimeofday, . - __kernel_gettimeofday

/* int __kernel_clock_getres(clockid_t clock, struct timespec *ts) */
	entry	__kernel_clock_getres
	.cfi_startproc
	adrp	x2, vdso_data
	ldr	w3, [x2, #DATA_MASK]
	cmp	w0, #31
	b.hi	2f
	lsr	w3, w3, w0
	tbz	w3, #0, 2f
	cbz	x1, 4f
	mov	w5, #1
	mov	w3, #COARSE_MASK
	lsr	w3, w3, w0
	tbz	w3, #0, 3f
	mov	w5, #(COARSE_NS & 0xffff)
	movk	w5, #(COARSE_NS >> 16), lsl #16
3:	stp	xzr, x5, [x1]
4:	mov	w0, #0
	ret
2:	mov	x8, #NR_clock_getres
	svc	#0
	ret
	.cfi_endproc
	.size	__kernel_clock_getres, . - __kernel_clock_getres

	.section .note.GNU-stack, "", %progbits

/* The version of Linux that programs may take us for: what uname(2) says. */
	.section .note.version, "a", %note
	.balign	4
	.long	2f - 1f
	.long	4f - 3f
	.long	0
1:	.asciz	"Linux"
2:	.balign	4
3:	.long	0x060100
4:	.balign	4
