/*
 * kernels_fp.h: the floating-point kernels of kernels.c: scalar doubles, NEON floats, streams.
 */
#include <arm_neon.h>

/* Five bodies that attract each other: long chains of scalar doubles, a root and a quotient. */
static u64 k_nbody(u64 rounds)
{
	static double p[5][3], v[5][3];
	static const double mass[5] = {39.5, 0.037, 0.011, 0.0017, 0.002};

	for (int i = 0; i < 5; i++)
		for (int k = 0; k < 3; k++) {
			p[i][k] = (double)(i * i) + (double)k * 0.7;
			v[i][k] = (double)(i * (k + 1)) * 0.01;
		}
	while (rounds--) {
		for (int i = 0; i < 5; i++)
			for (int j = i + 1; j < 5; j++) {
				double dx = p[i][0] - p[j][0], dy = p[i][1] - p[j][1],
				       dz = p[i][2] - p[j][2];
				double d2 = dx * dx + dy * dy + dz * dz + 0.01;
				double mag =
				    0.001 / (d2 * vget_lane_f64(vsqrt_f64(vdup_n_f64(d2)), 0));

				v[i][0] -= dx * mass[j] * mag;
				v[i][1] -= dy * mass[j] * mag;
				v[i][2] -= dz * mass[j] * mag;
				v[j][0] += dx * mass[i] * mag;
				v[j][1] += dy * mass[i] * mag;
				v[j][2] += dz * mass[i] * mag;
			}
		for (int i = 0; i < 5; i++)
			for (int k = 0; k < 3; k++)
				p[i][k] += 0.001 * v[i][k];
	}
	return (u64)(long)(p[0][0] * 1e6) ^ (u64)(long)(p[3][2] * 1e6);
}

/* Points of the Mandelbrot set: comparisons and short dependent loops. */
static u64 k_mandelbrot(u64 rounds)
{
	u64 sum = 0;

	while (rounds--)
		for (int y = 0; y < 32; y++)
			for (int x = 0; x < 32; x++) {
				double cr = x * 0.0625 - 1.5, ci = y * 0.0625 - 1.0, zr = 0, zi = 0;
				int n = 0;

				while (n < 200 && zr * zr + zi * zi <= 4.0) {
					double t = zr * zr - zi * zi + cr;

					zi = 2 * zr * zi + ci;
					zr = t;
					n++;
				}
				sum += (u64)n;
			}
	return sum;
}

/* A product of matrices whose inner loop runs along rows: NEON by the compiler. */
static u64 k_matmulf(u64 rounds)
{
	static float a[64][64], b[64][64], c[64][64];
	float trace = 0;

	for (int i = 0; i < 64; i++)
		for (int k = 0; k < 64; k++) {
			a[i][k] = (float)(i + k) * 0.5f;
			b[i][k] = (float)(i - k) * 0.25f;
		}
	while (rounds--) {
		for (int i = 0; i < 64; i++) {
			for (int k = 0; k < 64; k++)
				c[i][k] = 0;
			for (int j = 0; j < 64; j++)
				for (int k = 0; k < 64; k++)
					c[i][k] += a[i][j] * b[j][k];
		}
		trace += c[7][9] + c[47][0];
	}
	return (u64)(long)trace;
}

static u64 k_saxpy(u64 rounds)
{
	static float x[2048], y[2048];
	float32x4_t factor = vdupq_n_f32(0.5f);

	for (int i = 0; i < 2048; i++) {
		x[i] = (float)i * 0.001f;
		y[i] = 1.0f;
	}
	while (rounds--) {
		for (int i = 0; i < 2048; i += 4)
			vst1q_f32(y + i, vfmaq_f32(vld1q_f32(y + i), vld1q_f32(x + i), factor));
		factor = vnegq_f32(factor);
	}
	return (u64)(long)(y[100] * 1024) + (u64)(long)(y[2047] * 1024);
}

/* A filter of sixteen taps, by elements. */
static u64 k_fir(u64 rounds)
{
	static float in[1024 + 16], out[1024];
	static const float taps[16] = {0.1f, -0.2f, 0.3f, 0.4f, 0.1f, 0.2f, 0.3f, 0.4f,
	                               0.1f, 0.2f,  0.3f, 0.4f, 0.1f, 0.2f, 0.3f, -0.4f};
	float32x4_t t0 = vld1q_f32(taps), t1 = vld1q_f32(taps + 4), t2 = vld1q_f32(taps + 8),
	            t3 = vld1q_f32(taps + 12);

	for (int i = 0; i < 1024 + 16; i++)
		in[i] = (float)(i % 37) * 0.1f;
	while (rounds--)
		for (int i = 0; i < 1024; i += 4) {
			float32x4_t s = vdupq_n_f32(0);

#define TAP(t, k) s = vfmaq_laneq_f32(s, vld1q_f32(in + i + (k)), t, (k)&3)
			TAP(t0, 0);
			TAP(t0, 1);
			TAP(t0, 2);
			TAP(t0, 3);
			TAP(t1, 4);
			TAP(t1, 5);
			TAP(t1, 6);
			TAP(t1, 7);
			TAP(t2, 8);
			TAP(t2, 9);
			TAP(t2, 10);
			TAP(t2, 11);
			TAP(t3, 12);
			TAP(t3, 13);
			TAP(t3, 14);
			TAP(t3, 15);
#undef TAP
			vst1q_f32(out + i, s);
		}
	return (u64)(long)(out[5] * 4096) + (u64)(long)(out[1000] * 4096);
}

/* The four streams, on arrays of 2 MiB each. */
#define STREAM 262144
static double sa[STREAM], sb[STREAM], sc[STREAM];

static u64 stream_sum(void)
{
	return (u64)(long)(sa[5] * 16) + (u64)(long)(sb[STREAM - 1] * 16) + (u64)(long)sc[77];
}

static u64 k_stream_copy(u64 rounds)
{
	while (rounds--)
		for (int i = 0; i < STREAM; i++)
			sc[i] = sa[i];
	return stream_sum();
}

static u64 k_stream_scale(u64 rounds)
{
	for (int i = 0; i < STREAM; i++)
		sc[i] = i;
	while (rounds--)
		for (int i = 0; i < STREAM; i++)
			sb[i] = 3.0 * sc[i];
	return stream_sum();
}

static u64 k_stream_add(u64 rounds)
{
	for (int i = 0; i < STREAM; i++)
		sa[i] = sb[i] = i;
	while (rounds--)
		for (int i = 0; i < STREAM; i++)
			sc[i] = sa[i] + sb[i];
	return stream_sum();
}

static u64 k_stream_triad(u64 rounds)
{
	for (int i = 0; i < STREAM; i++)
		sb[i] = sc[i] = i;
	while (rounds--)
		for (int i = 0; i < STREAM; i++)
			sa[i] = sb[i] + 3.0 * sc[i];
	return stream_sum();
}
