/* The loops of KernelBenchmark.java in C, which the compiler vectorises. Prints bytes, and the median of each in
 * microseconds. */
#include "bench.h"
#include <immintrin.h>

#define SAMPLES 201

__attribute__((noinline)) static void sum(float *restrict into, const float *restrict from, long n) {
    for (long i = 0; i < n; i++) {
        into[i] += from[i];
    }
}

__attribute__((noinline)) static void scale(float *restrict into, float factor, long n) {
    for (long i = 0; i < n; i++) {
        into[i] *= factor;
    }
}

__attribute__((noinline)) static void axpy(float *restrict into, float factor, const float *restrict from, long n) {
    for (long i = 0; i < n; i++) {
        into[i] += factor * from[i];
    }
}

__attribute__((noinline)) static void max(float *restrict into, const float *restrict from, long n) {
    for (long i = 0; i < n; i++) {
        into[i] = into[i] > from[i] ? into[i] : from[i];
    }
}

__attribute__((noinline)) static int is_finite(const float *data, long n) {
    const unsigned *bits = (const unsigned *) data;
    int bad = 0;
    for (long i = 0; i < n; i++) {
        bad |= (bits[i] & 0x7f800000) == 0x7f800000;
    }
    return !bad;
}

__attribute__((noinline)) static void narrow_fp16(_Float16 *restrict into, const float *restrict from, long n) {
    long i = 0;
#ifdef __F16C__ /* gcc 12 does not find these instructions by itself. */
    for (; i + 8 <= n; i += 8) {
        __m128i eight = _mm256_cvtps_ph(_mm256_loadu_ps(from + i), _MM_FROUND_TO_NEAREST_INT);
        _mm_storeu_si128((__m128i *) (into + i), eight);
    }
#endif
    for (; i < n; i++) {
        into[i] = (_Float16) from[i];
    }
}

__attribute__((noinline)) static void widen_fp16(float *restrict into, const _Float16 *restrict from, long n) {
    long i = 0;
#ifdef __F16C__
    for (; i + 8 <= n; i += 8) {
        _mm256_storeu_ps(into + i, _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *) (from + i))));
    }
#endif
    for (; i < n; i++) {
        into[i] = from[i];
    }
}

/* Round to nearest, ties to even; NaN stays NaN. */
__attribute__((noinline)) static void narrow_bf16(unsigned short *restrict into, const float *restrict from, long n) {
    const unsigned *bits = (const unsigned *) from;
    for (long i = 0; i < n; i++) {
        unsigned b = bits[i];
        unsigned rounded = (b + 0x7fff + (b >> 16 & 1)) >> 16;
        into[i] = (b & 0x7fffffff) > 0x7f800000 ? (b >> 16 | 0x40) : rounded;
    }
}

__attribute__((noinline)) static void widen_bf16(float *restrict into, const unsigned short *restrict from, long n) {
    unsigned *bits = (unsigned *) into;
    for (long i = 0; i < n; i++) {
        bits[i] = (unsigned) from[i] << 16;
    }
}

enum { SUM, SCALE, AXPY, MAX, IS_FINITE, NARROW_FP16, WIDEN_FP16, NARROW_BF16, WIDEN_BF16, KERNELS };

static volatile int finite;

static void run(int which, float *into, float *from, void *halves, long n) {
    switch (which) {
        case SUM: sum(into, from, n); break;
        case SCALE: scale(into, -1, n); break;
        case AXPY: axpy(into, 0.5f, from, n); break;
        case MAX: max(into, from, n); break;
        case IS_FINITE: finite = is_finite(into, n); break;
        case NARROW_FP16: narrow_fp16(halves, into, n); break;
        case WIDEN_FP16: widen_fp16(from, halves, n); break;
        case NARROW_BF16: narrow_bf16(halves, into, n); break;
        case WIDEN_BF16: widen_bf16(from, halves, n); break;
        default: abort();
    }
}

static double median(int which, float *into, float *from, void *halves, long n) {
    static double samples[SAMPLES];
    /* A sample takes at least some microseconds, and all samples of a long vector at most a second or two. */
    long calls = n < 16384 ? 16384 / n : 1;
    int count = n > 1 << 20 ? 31 : SAMPLES;
    for (int s = 0; s < count; s++) {
        double begin = now();
        for (long c = 0; c < calls; c++) {
            run(which, into, from, halves, n);
        }
        samples[s] = (now() - begin) / calls;
    }
    qsort(samples, (size_t) count, sizeof(double), ascending);
    return samples[count / 2] * 1e6;
}

static void *memory(long bytes) {
    return aligned_alloc(64, (size_t) (bytes + 63) / 64 * 64);
}

int main(int argc, char **argv) {
    long bytes[MOST_SIZES];
    int sizes_given = sizes(argc > 1 ? argv[1] : "256,4K,256K,1M,16M,100M", bytes);
    printf("bytes sum scale axpy max is_finite narrow_fp16 widen_fp16 narrow_bf16 widen_bf16\n");
    for (int s = 0; s < sizes_given; s++) {
        float *into = memory(bytes[s]);
        float *from = memory(bytes[s]);
        void *halves = memory(bytes[s] / 2);
        long n = bytes[s] / 4;
        for (long i = 0; i < n; i++) {
            into[i] = i % 1001;
            from[i] = 0;
        }
        printf("%ld", bytes[s]);
        for (int which = 0; which < KERNELS; which++) {
            printf(" %.4f", median(which, into, from, halves, n));
        }
        printf("\n");
        free(halves);
        free(from);
        free(into);
    }
    return 0;
}
