/* The loops of KernelBenchmark.java in C, which the compiler turns into vector instructions. Prints bytes and microseconds: median of each. */
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

static double median(int which, float *into, const float *from, long n) {
    static double samples[SAMPLES];
    /* A sample is at least some microseconds long, and all samples of a long vector no more than a second or two. */
    long calls = n < 16384 ? 16384 / n : 1;
    int count = n > 1 << 20 ? 31 : SAMPLES;
    for (int s = 0; s < count; s++) {
        double begin = now();
        for (long c = 0; c < calls; c++) {
            switch (which) {
                case 0: sum(into, from, n); break;
                case 1: scale(into, -1, n); break;
                default: axpy(into, 0.5f, from, n); break;
            }
        }
        samples[s] = (now() - begin) / calls;
    }
    qsort(samples, (size_t) count, sizeof(double), ascending);
    return samples[count / 2] * 1e6;
}

int main(int argc, char **argv) {
    long bytes[MOST_SIZES];
    int sizes_given = sizes(argc > 1 ? argv[1] : "256,4K,256K,1M,16M,100M", bytes);
    printf("bytes sum_us scale_us axpy_us\n");
    for (int s = 0; s < sizes_given; s++) {
        float *into = aligned_alloc(64, (size_t) (bytes[s] + 63) / 64 * 64);
        float *from = aligned_alloc(64, (size_t) (bytes[s] + 63) / 64 * 64);
        long n = bytes[s] / 4;
        for (long i = 0; i < n; i++) {
            into[i] = i % 1001;
            from[i] = 0;
        }
        printf("%ld", bytes[s]);
        for (int which = 0; which < 3; which++) {
            printf(" %.4f", median(which, into, from, n));
        }
        printf("\n");
        free(from);
        free(into);
    }
    return 0;
}
