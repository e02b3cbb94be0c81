/*
 * Common to all peers: data, check, clock and table, so that they measure what gyre bench allreduce measures. Element i
 * of rank r in round k is h(i, k) + r; see TestPattern.java.
 */
#ifndef GYRE_BENCH_H
#define GYRE_BENCH_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define LEAST_ROUNDS 10
#define MOST_ROUNDS 1000000
#define MOST_SIZES 64

static inline double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec * 1e-9;
}

static inline float element(uint32_t i, uint32_t round, uint32_t factor, uint32_t summand) {
    return (float) ((((i + round * 0x9e3779b9u) * 0x85ebca6bu) >> 20) * factor + summand);
}

static inline void fill(float *data, long count, int rank, int round) {
    for (long i = 0; i < count; i++) {
        data[i] = element((uint32_t) i, (uint32_t) round, 1, (uint32_t) rank);
    }
}

/* Returns the first wrong element, or count if there is none. */
static inline long check(const float *data, long count, int ranks, int round) {
    for (long i = 0; i < count; i++) {
        if (data[i] != element((uint32_t) i, (uint32_t) round, (uint32_t) ranks, (uint32_t) (ranks * (ranks - 1) / 2))) {
            return i;
        }
    }
    return count;
}

/* Reads "4K,64K,1M" and returns how many lengths there are. */
static inline int sizes(const char *list, long *bytes) {
    int n = 0;
    while (*list && n < MOST_SIZES) {
        char *end;
        long value = strtol(list, &end, 10);
        switch (*end) {
            case 'K': value <<= 10; end++; break;
            case 'M': value <<= 20; end++; break;
            case 'G': value <<= 30; end++; break;
            default: break;
        }
        if (value <= 0 || value % 4 != 0 || (*end && *end != ',')) {
            fprintf(stderr, "bad length in '%s'\n", list);
            exit(2);
        }
        bytes[n++] = value;
        list = *end ? end + 1 : end;
    }
    return n;
}

static inline int ascending(const void *a, const void *b) {
    double x = *(const double *) a;
    double y = *(const double *) b;
    return (x > y) - (x < y);
}

/* One line: bytes, then median, p99 and best in microseconds, then the number of rounds. */
static inline void print(long bytes, double *seconds, int rounds) {
    qsort(seconds, (size_t) rounds, sizeof(double), ascending);
    printf("%ld %.3f %.3f %.3f %d\n", bytes, seconds[(rounds - 1) / 2] * 1e6, seconds[(int) ((rounds - 1) * 0.99)] * 1e6,
           seconds[0] * 1e6, rounds);
    fflush(stdout);
}

#endif
