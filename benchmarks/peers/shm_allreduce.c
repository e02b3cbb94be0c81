/*
 * The floor of shared memory: every rank's vector lies in memory that all map, rank r adds chunk r of all vectors and writes the sum
 * into all of them, in one pass. shm_allreduce RANKS LENGTHS SECONDS WARM-UP-SECONDS. Prints as bench.h says.
 */
#define _GNU_SOURCE
#include <sched.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"

#define MOST_RANKS 16
#define LINE 256

/* A core per rank can spin for long; otherwise the others need the core. */
static int spins;

typedef struct {
    _Alignas(LINE) atomic_long arrived;
    double seconds;
    int more;
    int failed;
} Seat;

static Seat *seats;
static float *vectors[MOST_RANKS];
static int ranks;
static int rank;
static long arrivals;
static int rounds_so_far;

static void barrier(void) {
    arrivals++;
    atomic_store_explicit(&seats[rank].arrived, arrivals, memory_order_release);
    for (int r = 0; r < ranks; r++) {
        int waits = 0;
        while (atomic_load_explicit(&seats[r].arrived, memory_order_acquire) < arrivals) {
            if (seats[r].failed) {
                _exit(1);
            }
            if (++waits > spins) {
                sched_yield();
            }
        }
    }
}

/* Two ranks in one loop, which the compiler turns into vectors; more in blocks that stay in the first-level cache. */
static void reduce(long from, long to) {
    if (ranks == 2) {
        float *restrict a = vectors[0];
        float *restrict b = vectors[1];
        for (long i = from; i < to; i++) {
            float sum = a[i] + b[i];
            a[i] = sum;
            b[i] = sum;
        }
        return;
    }
    for (long i = from; i < to; i += 2048) {
        long n = to - i < 2048 ? to - i : 2048;
        float *restrict sum = vectors[rank] + i;
        for (int r = 1; r < ranks; r++) {
            const float *restrict other = vectors[(rank + r) % ranks] + i;
            for (long k = 0; k < n; k++) {
                sum[k] += other[k];
            }
        }
        for (int r = 1; r < ranks; r++) {
            memcpy(vectors[(rank + r) % ranks] + i, sum, (size_t) n * sizeof(float));
        }
    }
}

static double one_round(long count) {
    int round = ++rounds_so_far;
    fill(vectors[rank], count, rank, round);
    barrier();
    double begin = now();
    reduce(count * rank / ranks & ~15L, rank == ranks - 1 ? count : count * (rank + 1) / ranks & ~15L);
    barrier();
    seats[rank].seconds = now() - begin;
    long wrong = check(vectors[rank], count, ranks, round);
    if (wrong < count) {
        fprintf(stderr, "rank %d: element %ld of %ld is wrong in round %d\n", rank, wrong, count, round);
        seats[rank].failed = 1;
        _exit(1);
    }
    barrier();
    double slowest = 0;
    for (int r = 0; r < ranks; r++) {
        slowest = seats[r].seconds > slowest ? seats[r].seconds : slowest;
    }
    return slowest;
}

static int measure(long count, double time, double *seconds) {
    double begin = now();
    int n = 0;
    int more = 1;
    while (more) {
        seconds[n++] = one_round(count);
        if (rank == 0) {
            seats[0].more = n < MOST_ROUNDS && (n < LEAST_ROUNDS || now() - begin < time);
        }
        barrier();
        more = seats[0].more;
    }
    return n;
}

static void *shared(size_t length) {
    void *memory = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    if (memory == MAP_FAILED) {
        perror("mmap");
        exit(1);
    }
    return memory;
}

int main(int argc, char **argv) {
    ranks = argc == 5 ? atoi(argv[1]) : 0;
    if (ranks < 1 || ranks > MOST_RANKS) {
        fprintf(stderr, "shm_allreduce RANKS LENGTHS SECONDS WARM-UP-SECONDS, at most %d ranks\n", MOST_RANKS);
        return 2;
    }
    long bytes[MOST_SIZES];
    int n = sizes(argv[2], bytes);
    long longest = 0;
    for (int s = 0; s < n; s++) {
        longest = bytes[s] > longest ? bytes[s] : longest;
    }
    spins = ranks <= sysconf(_SC_NPROCESSORS_ONLN) ? 2000 : 5;
    seats = shared(ranks * sizeof(Seat));
    for (int r = 0; r < ranks; r++) {
        vectors[r] = shared((size_t) longest);
    }
    for (rank = ranks - 1; rank > 0 && fork() != 0; rank--) {
    }
    double *seconds = malloc(MOST_ROUNDS * sizeof(double));
    for (int s = 0; s < n; s++) {
        measure(bytes[s] / 4, atof(argv[4]), seconds);
    }
    for (int s = 0; s < n; s++) {
        int rounds = measure(bytes[s] / 4, atof(argv[3]), seconds);
        if (rank == 0) {
            print(bytes[s], seconds, rounds);
        }
    }
    int failed = 0;
    int status;
    while (rank == 0 && wait(&status) > 0) {
        failed |= status != 0;
    }
    return failed;
}
