/*
 * kernels.c: small computations for cpu_bench, as a static Linux/arm64 program without libc,
 * so that it runs in the bench's bare machine and under any emulator alike.
 *
 *   kernels NAME ROUNDS      prints a checksum
 *   kernels                  prints the names
 */
typedef unsigned long u64;
typedef unsigned int u32;
typedef unsigned char u8;

static long call3(long n, long a, long b, long c)
{
	register long x8 __asm__("x8") = n;
	register long x0 __asm__("x0") = a;
	register long x1 __asm__("x1") = b;
	register long x2 __asm__("x2") = c;

	__asm__ volatile("svc #0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2) : "memory");
	return x0;
}

static u64 length(const char *s)
{
	u64 n = 0;

	while (s[n])
		n++;
	return n;
}

static void print(const char *s)
{
	call3(64, 1, (long)s, (long)length(s));
}

void *memset(void *to, int c, u64 n);
void *memcpy(void *to, const void *from, u64 n);

void *memset(void *to, int c, u64 n)
{
	u8 *p = to;

	while (n--)
		*p++ = (u8)c;
	return to;
}

void *memcpy(void *to, const void *from, u64 n)
{
	u8 *p = to;
	const u8 *q = from;

	while (n--)
		*p++ = *q++;
	return to;
}

#define NOINLINE __attribute__((noinline))

/* Calls and returns. */
static NOINLINE u64 fib(u64 n)
{
	return n < 2 ? n : fib(n - 1) + fib(n - 2);
}

static u64 k_fib(u64 rounds)
{
	u64 sum = 0;

	while (rounds--)
		sum += fib(22 + (rounds & 1));
	return sum;
}

/* Byte stores and strided loops. */
static u64 k_sieve(u64 rounds)
{
	static u8 composite[65536];
	u64 count = 0;

	while (rounds--) {
		memset(composite, 0, sizeof(composite));
		for (u64 i = 2; i < sizeof(composite); i++) {
			if (composite[i])
				continue;
			count++;
			for (u64 k = i * 2; k < sizeof(composite); k += i)
				composite[k] = 1;
		}
	}
	return count;
}

/* Shifts, adds and table look-ups. */
static u64 k_crc(u64 rounds)
{
	static u32 table[256];
	u32 crc = 0xFFFFFFFF;

	for (u32 i = 0; i < 256; i++) {
		u32 c = i;
		for (int k = 0; k < 8; k++)
			c = c & 1 ? c >> 1 ^ 0xEDB88320u : c >> 1;
		table[i] = c;
	}
	while (rounds--)
		for (u32 i = 0; i < 100000; i++)
			crc = table[(crc ^ i) & 255] ^ crc >> 8;
	return crc;
}

/* Pointer chasing through a shuffled list, and sorting by comparison calls. */
struct node {
	struct node *next;
	u64 value;
};

static u64 k_list(u64 rounds)
{
	static struct node nodes[4096];
	u64 seed = 1, sum = 0;

	for (u32 i = 0; i < 4096; i++)
		nodes[i].value = i;
	for (u32 i = 0; i < 4096; i++) {
		seed = seed * 6364136223846793005UL + 1;
		nodes[i].next = &nodes[seed >> 52];
	}
	while (rounds--) {
		struct node *n = &nodes[rounds & 4095];
		for (u32 i = 0; i < 100000; i++) {
			sum += n->value;
			n = (i & 1023) ? n->next : &nodes[i & 4095];
		}
	}
	return sum;
}

/* A bytecode interpreter: indirect branches. */
static u64 k_bytecode(u64 rounds)
{
	static const u8 program[] = {0, 1, 2, 3, 1, 4, 2, 5, 0, 3, 6, 1, 5, 7};
	static void *const go[] = {&&add, &&xor, &&shl, &&dec, &&mul, &&swp, &&inc, &&end};
	u64 a = 1, b = 2, t;

	while (rounds--)
		for (u32 i = 0; i < 10000; i++) {
			const u8 *p = program;
#define NEXT goto *go[*p++]
			NEXT;
		add:
			a += b;
			NEXT;
			xor : b ^= a;
			NEXT;
		shl:
			a <<= 1;
			NEXT;
		dec:
			b -= 3;
			NEXT;
		mul:
			a *= 5;
			NEXT;
		swp:
			t = a;
			a = b;
			b = t;
			NEXT;
		inc:
			a++;
			NEXT;
		end:;
		}
	return a ^ b;
}

/* Scalar and vector floating point. */
static u64 k_matmul(u64 rounds)
{
	static double a[48][48], b[48][48], c[48][48];
	double trace = 0;

	for (int i = 0; i < 48; i++)
		for (int k = 0; k < 48; k++) {
			a[i][k] = i + k * 0.5;
			b[i][k] = i - k * 0.25;
		}
	while (rounds--) {
		for (int i = 0; i < 48; i++)
			for (int k = 0; k < 48; k++) {
				double s = 0;
				for (int j = 0; j < 48; j++)
					s += a[i][j] * b[j][k];
				c[i][k] = s;
			}
		trace += c[7][9] + c[47][0];
	}
	return (u64)trace;
}

static u64 k_floats(u64 rounds)
{
	static float x[1024], y[1024];
	float sum = 0;

	for (int i = 0; i < 1024; i++) {
		x[i] = (float)i * 0.001f;
		y[i] = 1.0f - x[i];
	}
	while (rounds--)
		for (int i = 0; i < 1024; i++) {
			y[i] = x[i] * 0.5f + y[i] * 0.25f;
			sum += y[i];
		}
	return (u64)(sum * 16);
}

static u64 k_copy(u64 rounds)
{
	static u64 from[8192], to[8192];

	while (rounds--) {
		for (int i = 0; i < 8192; i++)
			to[i] = from[i] + 1;
		for (int i = 0; i < 8192; i++)
			from[i] = to[8191 - i];
	}
	return from[5] + to[9];
}

#include "kernels_fp.h"

static const struct {
	const char *name;
	u64 (*run)(u64 rounds);
} kernels[] = {
    {"fib", k_fib},
    {"sieve", k_sieve},
    {"crc", k_crc},
    {"list", k_list},
    {"bytecode", k_bytecode},
    {"matmul", k_matmul},
    {"floats", k_floats},
    {"copy", k_copy},
    {"nbody", k_nbody},
    {"mandelbrot", k_mandelbrot},
    {"matmulf", k_matmulf},
    {"saxpy", k_saxpy},
    {"fir", k_fir},
    {"stream-copy", k_stream_copy},
    {"stream-scale", k_stream_scale},
    {"stream-add", k_stream_add},
    {"stream-triad", k_stream_triad},
};
#define KERNELS (sizeof(kernels) / sizeof(kernels[0]))

static int same(const char *a, const char *b)
{
	while (*a && *a == *b) {
		a++;
		b++;
	}
	return *a == *b;
}

void run(long *stack);
void run(long *stack)
{
	char text[20];
	u64 sum = 0, rounds = 0;

	if (stack[0] < 3) {
		for (u64 i = 0; i < KERNELS; i++) {
			print(kernels[i].name);
			print("\n");
		}
		call3(93, 0, 0, 0);
	}
	for (const char *p = (const char *)stack[3]; *p; p++)
		rounds = rounds * 10 + (u64)(*p - '0');
	for (u64 i = 0; i < KERNELS; i++)
		if (same(kernels[i].name, (const char *)stack[2]))
			sum = kernels[i].run(rounds);
	for (int i = 0; i < 16; i++)
		text[i] = "0123456789abcdef"[sum >> (60 - 4 * i) & 15];
	text[16] = '\n';
	text[17] = 0;
	print(text);
	call3(93, 0, 0, 0);
}

__asm__(".globl _start\n_start:\n\tmov x0, sp\n\tbl run\n");
