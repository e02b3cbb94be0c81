/*
 * The memory floor on one host. shm_allreduce direct|log RANKS LENGTHS SECONDS WARM-UP-SECONDS. Output as in bench.h.
 *
 * direct: every rank's vector is in memory that all map; rank r sums chunk r of all vectors and writes the sum into all
 * of them, in one pass.
 * log: a ring whose segments go through logs in shared memory, with the same copies as with Aeron: a segment is copied
 * into the log, added or copied out of it, and its place is zeroed. No headers, no checksums and no driver.
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

/* With a core per rank it can spin for long; otherwise other ranks need the core. */
static int spins;

typedef struct {
    _Alignas(LINE) atomic_long arrived;
    double seconds;
    int more;
    int failed;
} Seat;

/* Three terms of 1 MB; half a term may be in flight, in segments of the largest datagram's length. */
#define LOG_BYTES (3L << 20)
#define WINDOW_BYTES (512L << 10)
#define SEGMENT_BYTES (64L << 10)

/* From a rank to its right neighbour; positions are in bytes from the start. */
typedef struct {
    _Alignas(LINE) atomic_long written;
    _Alignas(LINE) atomic_long taken;
    _Alignas(LINE) char data[LOG_BYTES];
} Log;

static int through_logs;
static Log *logs;
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

/* Two ranks in one loop, which the compiler vectorises; more in blocks that fit into the first-level cache. */
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

/* Position in a ring pass: the hop, and the rest of the chunk, in bytes. */
typedef struct {
    int hop;
    long at;
    long end;
} Place;

/* In hop h rank r sends chunk r - 1 - h and receives the previous one. */
static Place place(int hop, int chunk, long count) {
    chunk = (chunk % ranks + ranks) % ranks;
    return (Place) {hop, count * chunk / ranks * 4, count * (chunk + 1) / ranks * 4};
}

static long least(long a, long b) {
    return a < b ? a : b;
}

static int offer(Place *to, const Place *from, long count) {
    Log *log = &logs[rank];
    long written = atomic_load_explicit(&log->written, memory_order_relaxed);
    long room = WINDOW_BYTES - (written - atomic_load_explicit(&log->taken, memory_order_acquire));
    long ready = to->hop == 0 || from->hop >= to->hop ? to->end - to->at : from->hop == to->hop - 1 ? from->at - to->at : 0;
    long n = least(least(ready, room), least(SEGMENT_BYTES, LOG_BYTES - written % LOG_BYTES));
    if (n > 0) {
        long next = (written + WINDOW_BYTES) % LOG_BYTES;
        long straight = least(n, LOG_BYTES - next);
        memset(log->data + next, 0, (size_t) straight);
        memset(log->data, 0, (size_t) (n - straight));
        memcpy(log->data + written % LOG_BYTES, (char *) vectors[rank] + to->at, (size_t) n);
        atomic_store_explicit(&log->written, written + n, memory_order_release);
        to->at += n;
    }
    if (to->at == to->end) {
        *to = place(to->hop + 1, rank - 2 - to->hop, count);
    }
    return n > 0;
}

static int take(Place *from, long count) {
    Log *log = &logs[(rank + ranks - 1) % ranks];
    long taken = atomic_load_explicit(&log->taken, memory_order_relaxed);
    long come = atomic_load_explicit(&log->written, memory_order_acquire) - taken;
    long n = least(least(from->end - from->at, come), least(SEGMENT_BYTES, LOG_BYTES - taken % LOG_BYTES));
    if (n > 0) {
        char *into = (char *) vectors[rank] + from->at;
        char *source = log->data + taken % LOG_BYTES;
        if (from->hop < ranks - 1) {
            float *restrict sum = (float *) into;
            const float *restrict other = (const float *) source;
            for (long k = 0; k < n / 4; k++) {
                sum[k] += other[k];
            }
        } else {
            memcpy(into, source, (size_t) n);
        }
        atomic_store_explicit(&log->taken, taken + n, memory_order_release);
        from->at += n;
    }
    if (from->at == from->end) {
        *from = place(from->hop + 1, rank - 3 - from->hop, count);
    }
    return n > 0;
}

static void ring(long count) {
    int hops = 2 * (ranks - 1);
    Place to = place(0, rank - 1, count);
    Place from = place(0, rank - 2, count);
    int idle = 0;
    while (to.hop < hops || from.hop < hops) {
        int work = to.hop < hops && offer(&to, &from, count);
        work |= from.hop < hops && take(&from, count);
        idle = work ? 0 : idle + 1;
        if (idle > spins) {
            sched_yield();
        }
    }
}

static double one_round(long count) {
    int round = ++rounds_so_far;
    fill(vectors[rank], count, rank, round);
    barrier();
    double begin = now();
    if (through_logs) {
        ring(count);
    } else {
        reduce(count * rank / ranks & ~15L, rank == ranks - 1 ? count : count * (rank + 1) / ranks & ~15L);
        barrier();
    }
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
    ranks = argc == 6 ? atoi(argv[2]) : 0;
    through_logs = argc > 1 && strcmp(argv[1], "log") == 0;
    if (ranks < 1 || ranks > MOST_RANKS || (!through_logs && strcmp(argv[1], "direct") != 0)) {
        fprintf(stderr, "shm_allreduce direct|log RANKS LENGTHS SECONDS WARM-UP-SECONDS, at most %d ranks\n", MOST_RANKS);
        return 2;
    }
    long bytes[MOST_SIZES];
    int n = sizes(argv[3], bytes);
    long longest = 0;
    for (int s = 0; s < n; s++) {
        longest = bytes[s] > longest ? bytes[s] : longest;
    }
    spins = ranks <= sysconf(_SC_NPROCESSORS_ONLN) ? 2000 : 5;
    seats = shared(ranks * sizeof(Seat));
    if (through_logs) {
        logs = shared(ranks * sizeof(Log));
    }
    for (int r = 0; r < ranks; r++) {
        vectors[r] = shared((size_t) longest);
    }
    for (rank = ranks - 1; rank > 0 && fork() != 0; rank--) {
    }
    double *seconds = malloc(MOST_ROUNDS * sizeof(double));
    for (int s = 0; s < n; s++) {
        measure(bytes[s] / 4, atof(argv[5]), seconds);
    }
    for (int s = 0; s < n; s++) {
        int rounds = measure(bytes[s] / 4, atof(argv[4]), seconds);
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
