/* The loops of KernelBenchmark.java in C, which the compiler vectorises. Prints bytes, and the median of each in
 * microseconds. */
#include "bench.h"

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

enum { SUM, SCALE, AXPY, MAX, KERNELS };

static void run(int which, float *into, float *from, long n) {
    switch (which) {
        case SUM: sum(into, from, n); break;
        case SCALE: scale(into, -1, n); break;
        case AXPY: axpy(into, 0.5f, from, n); break;
        case MAX: max(into, from, n); break;
        default: abort();
    }
}

static double median(int which, float *into, float *from, long n) {
    static double samples[SAMPLES];
    /* A sample takes at least some microseconds, and all samples of a long vector at most a second or two. */
    long calls = n < 16384 ? 16384 / n : 1;
    int count = n > 1 << 20 ? 31 : SAMPLES;
    for (int s = 0; s < count; s++) {
        double begin = now();
        for (long c = 0; c < calls; c++) {
            run(which, into, from, n);
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
    printf("bytes sum scale axpy max\n");
    for (int s = 0; s < sizes_given; s++) {
        float *into = memory(bytes[s]);
        float *from = memory(bytes[s]);
        long n = bytes[s] / 4;
        for (long i = 0; i < n; i++) {
            into[i] = i % 1001;
            from[i] = 0;
        }
        printf("%ld", bytes[s]);
        for (int which = 0; which < KERNELS; which++) {
            printf(" %.4f", median(which, into, from, n));
        }
        printf("\n");
        free(from);
        free(into);
    }
    return 0;
}
