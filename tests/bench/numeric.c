/*
 * numeric.c: computations with a C library, for `make bench`; static, for the guest and natively.
 *
 *   numeric NAME ROUNDS      prints a checksum
 *   numeric                  prints "NAME GROUP" a line
 *
 * core is what CoreMark does, in our own way: a list sorted and reversed, integer matrices, a state
 * machine over text, and a CRC over the results of each.  More kernels are in kernels.c, which
 * needs no library.  Vectors are the compiler's generic ones, so that the same source uses NEON in
 * the guest and SSE natively.
 */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef int16_t s16x8 __attribute__((vector_size(16)));
typedef uint8_t u8x16 __attribute__((vector_size(16)));

/* ---- core: integers ---- */

struct link {
	struct link *next;
	int16_t key, data;
};

static uint16_t crc16(uint16_t crc, uint16_t value)
{
	for (int i = 0; i < 16; i++) {
		uint16_t low = (uint16_t)((value ^ crc) & 1);

		crc >>= 1;
		if (low)
			crc ^= 0xA001;
		value >>= 1;
	}
	return crc;
}

static __attribute__((noinline)) struct link *merge(struct link *a, struct link *b, int by_data)
{
	struct link head = {0}, *tail = &head;

	while (a && b) {
		int first = by_data ? a->data <= b->data : a->key <= b->key;
		struct link **from = first ? &a : &b;

		tail->next = *from;
		tail = *from;
		*from = (*from)->next;
	}
	tail->next = a ? a : b;
	return head.next;
}

static struct link *sort_list(struct link *list, int n, int by_data)
{
	struct link *at = list, *second;

	if (n < 2)
		return list;
	for (int i = 1; i < n / 2; i++)
		at = at->next;
	second = at->next;
	at->next = NULL;
	return merge(sort_list(list, n / 2, by_data), sort_list(second, n - n / 2, by_data),
	             by_data);
}

static uint16_t core_list(uint16_t crc, int round)
{
	static struct link links[128];
	struct link *list = NULL, *reversed = NULL, *next;

	for (int i = 0; i < 128; i++) {
		links[i] = (struct link){list, (int16_t)((i * 73 + round) & 127),
		                         (int16_t)(i * 37 ^ round)};
		list = &links[i];
	}
	list = sort_list(list, 128, round & 1);
	for (; list; list = next) {
		next = list->next;
		list->next = reversed;
		reversed = list;
	}
	for (; reversed; reversed = reversed->next)
		crc = crc16(crc, (uint16_t)reversed->data);
	return crc;
}

static uint16_t core_matrix(uint16_t crc, int round)
{
	static int16_t a[16][16], b[16][16];
	static int32_t c[16][16];

	for (int i = 0; i < 256; i++) {
		a[i / 16][i % 16] = (int16_t)(i * 7 + round);
		b[i / 16][i % 16] = (int16_t)(i * 3 - round);
	}
	for (int i = 0; i < 16; i++)
		for (int j = 0; j < 16; j++) {
			int32_t sum = 0;

			for (int k = 0; k < 16; k++)
				sum += ((a[i][k] * b[k][j]) >> 2 & 15) *
				       ((a[i][k] * b[k][j]) >> 5 & 127);
			c[i][j] = sum;
		}
	for (int i = 0; i < 16; i++)
		crc = crc16(crc, (uint16_t)c[i][(i + round) & 15]);
	return crc;
}

/* Counts the numbers of each kind in a text. */
static uint16_t core_states(uint16_t crc, int round)
{
	static const char text[] =
	    "5012,1234,-874,+122,35.54400,.1234500,-110.700,+0.64400,5.500e+3,"
	    "-.123e-2,-87e+832,+0.6e-12,T0.3e-1F,-T.T++Tq,1T3.4e4z,34.0e-T^";
	enum { START, SIGN, INTEGER, DOT, FRACTION, EXPONENT, EXPONENT_SIGN, SCIENTIFIC, INVALID };
	uint16_t counts[INVALID + 1] = {0};
	int state = START;

	for (const char *p = text; *p; p++) {
		char c = (char)(*p ^ ((round + (p - text)) % 61 == 0));

		if (c == ',') {
			counts[state]++;
			state = START;
			continue;
		}
		switch (state) {
		case START:
			state = c >= '0' && c <= '9'   ? INTEGER
			        : c == '+' || c == '-' ? SIGN
			        : c == '.'             ? DOT
			                               : INVALID;
			break;
		case SIGN:
			state = c >= '0' && c <= '9' ? INTEGER : c == '.' ? DOT : INVALID;
			break;
		case INTEGER:
			state = c == '.'               ? FRACTION
			        : c == 'e'             ? EXPONENT
			        : c >= '0' && c <= '9' ? INTEGER
			                               : INVALID;
			break;
		case DOT:
		case FRACTION:
			state = c == 'e' ? EXPONENT : c >= '0' && c <= '9' ? FRACTION : INVALID;
			break;
		case EXPONENT:
			state = c == '+' || c == '-' ? EXPONENT_SIGN : INVALID;
			break;
		case EXPONENT_SIGN:
		case SCIENTIFIC:
			state = c >= '0' && c <= '9' ? SCIENTIFIC : INVALID;
			break;
		default:
			break;
		}
	}
	for (int i = 0; i <= INVALID; i++)
		crc = crc16(crc, counts[i]);
	return crc;
}

static double k_core(long rounds)
{
	uint16_t crc = 0xFFFF;

	for (long i = 0; i < rounds * 100; i++) {
		crc = core_list(crc, (int)i);
		crc = core_matrix(crc, (int)i);
		crc = core_states(crc, (int)i);
	}
	return crc;
}

static int by_value(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static double k_sort(long rounds)
{
	static uint32_t v[20000];
	uint32_t seed = 1;
	double sum = 0;

	while (rounds--) {
		for (int i = 0; i < 20000; i++)
			v[i] = seed = seed * 1664525 + 1013904223;
		qsort(v, 20000, sizeof(v[0]), by_value);
		sum += v[777];
	}
	return sum;
}

static double k_hash(long rounds)
{
	static uint64_t keys[65536];
	static uint32_t counts[65536];
	uint64_t seed = 88172645463325252u, sum = 0;

	while (rounds--)
		for (int i = 0; i < 100000; i++) {
			uint64_t key, at;

			seed ^= seed << 13;
			seed ^= seed >> 7;
			seed ^= seed << 17;
			key = (seed & 32767) + 1;
			at = key * 0x9E3779B97F4A7C15u >> 48;
			while (keys[at] != key && keys[at] != 0)
				at = (at + 1) & 65535;
			keys[at] = key;
			sum += ++counts[at];
		}
	return (double)sum;
}

/* ---- floating point ---- */

static double k_fft(long rounds)
{
	enum { N = 1024 };
	static float re[N], im[N], wr[N / 2], wi[N / 2];
	double sum = 0;

	for (int i = 0; i < N / 2; i++) {
		wr[i] = cosf(2 * 3.14159265f * (float)i / N);
		wi[i] = -sinf(2 * 3.14159265f * (float)i / N);
	}
	while (rounds--) {
		for (int i = 0; i < N; i++) {
			re[i] = (float)(i * i * 7 % 61);
			im[i] = 0;
		}
		for (int i = 1, j = 0; i < N; i++) {
			int bit = N >> 1;

			for (; j & bit; bit >>= 1)
				j ^= bit;
			j ^= bit;
			if (i < j) {
				float t = re[i];

				re[i] = re[j];
				re[j] = t;
			}
		}
		for (int len = 2; len <= N; len *= 2)
			for (int i = 0; i < N; i += len)
				for (int k = 0; k < len / 2; k++) {
					int a = i + k, b = a + len / 2, w = k * (N / len);
					float tr = re[b] * wr[w] - im[b] * wi[w];
					float ti = re[b] * wi[w] + im[b] * wr[w];

					re[b] = re[a] - tr;
					im[b] = im[a] - ti;
					re[a] += tr;
					im[a] += ti;
				}
		sum += re[3] + im[9];
	}
	return sum;
}

static double k_libm(long rounds)
{
	double sum = 0;

	for (long r = 0; r < rounds; r++)
		for (int i = 1; i < 2000; i++) {
			double x = i * 0.01;

			sum += sin(x) * exp(-x) + log(x) + pow(x, 1.5) + floor(x * 3) +
			       (double)(long)x;
		}
	return sum;
}

/* ---- vectors ---- */

static double k_blend(long rounds)
{
	static u8x16 a[512], b[512], out[512];

	for (int i = 0; i < 512; i++)
		for (int k = 0; k < 16; k++) {
			a[i][k] = (uint8_t)(i * 3 + k);
			b[i][k] = (uint8_t)(i * 5 - k);
		}
	while (rounds--)
		for (int i = 0; i < 512; i++) {
			u8x16 over = (u8x16)(a[i] > b[i]);

			out[i] = (((a[i] >> 1) + (b[i] >> 1)) & over) | ((a[i] ^ out[i]) & ~over);
		}
	return out[17][3];
}

static double k_filter(long rounds)
{
	static s16x8 in[514], out[512];

	for (int i = 0; i < 514; i++)
		for (int k = 0; k < 8; k++)
			in[i][k] = (int16_t)(i * 31 + k * 7);
	while (rounds--)
		for (int i = 0; i < 512; i++) {
			s16x8 v = in[i] * 3 + in[i + 1] * 10 + in[i + 2] * 3;

			out[i] = (v >> 4) + (out[i] & 15);
		}
	return out[100][2];
}

/* ---- memory ---- */

static double k_memcpy(long rounds)
{
	static double from[1 << 21], to[1 << 21]; /* 16 MiB each */

	for (long i = 0; i < 1 << 21; i++)
		from[i] = (double)i;
	while (rounds--) {
		memcpy(to, from, sizeof(to));
		__asm__ volatile("" ::: "memory");
	}
	return to[5];
}

static const struct {
	const char *name, *group;
	double (*run)(long rounds);
} kernels[] = {
    {"core", "integer", k_core},  {"sort", "integer", k_sort},    {"hash", "integer", k_hash},
    {"fft", "float", k_fft},      {"libm", "float", k_libm},      {"blend", "neon", k_blend},
    {"filter", "neon", k_filter}, {"memcpy", "memory", k_memcpy},
};
#define KERNELS (sizeof(kernels) / sizeof(kernels[0]))

int main(int argc, char **argv)
{
	for (size_t i = 0; i < KERNELS; i++) {
		if (argc < 3) {
			printf("%s %s\n", kernels[i].name, kernels[i].group);
		} else if (strcmp(kernels[i].name, argv[1]) == 0) {
			printf("%.6g\n", kernels[i].run(strtol(argv[2], NULL, 10)));
			return 0;
		}
	}
	return argc < 3 ? 0 : 2;
}
