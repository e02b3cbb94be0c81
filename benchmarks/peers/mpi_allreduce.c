/* MPI_Allreduce of float sums, in place: mpi_allreduce LENGTHS SECONDS WARM-UP-SECONDS. Output as in bench.h. */
#include <mpi.h>

#include "bench.h"

static int rank;
static int ranks;
static int rounds_so_far;

/* Returns the time of the slowest rank. */
static double one_round(float *data, long count) {
    int round = ++rounds_so_far;
    fill(data, count, rank, round);
    MPI_Barrier(MPI_COMM_WORLD);
    double begin = now();
    MPI_Allreduce(MPI_IN_PLACE, data, (int) count, MPI_FLOAT, MPI_SUM, MPI_COMM_WORLD);
    double own = now() - begin;
    long wrong = check(data, count, ranks, round);
    if (wrong < count) {
        fprintf(stderr, "rank %d: element %ld of %ld is wrong in round %d\n", rank, wrong, count, round);
        MPI_Abort(MPI_COMM_WORLD, 1);
    }
    double slowest;
    MPI_Allreduce(&own, &slowest, 1, MPI_DOUBLE, MPI_MAX, MPI_COMM_WORLD);
    return slowest;
}

static int measure(float *data, long count, double time, double *seconds) {
    double begin = now();
    int n = 0;
    int more = 1;
    while (more) {
        seconds[n++] = one_round(data, count);
        /* Rank 0 decides for all. */
        more = n < MOST_ROUNDS && (n < LEAST_ROUNDS || now() - begin < time);
        MPI_Bcast(&more, 1, MPI_INT, 0, MPI_COMM_WORLD);
    }
    return n;
}

int main(int argc, char **argv) {
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &ranks);
    if (argc != 4) {
        fprintf(stderr, "mpi_allreduce LENGTHS SECONDS WARM-UP-SECONDS\n");
        MPI_Abort(MPI_COMM_WORLD, 2);
    }
    long bytes[MOST_SIZES];
    int n = sizes(argv[1], bytes);
    long longest = 0;
    for (int s = 0; s < n; s++) {
        longest = bytes[s] > longest ? bytes[s] : longest;
    }
    float *data = malloc((size_t) longest);
    double *seconds = malloc(MOST_ROUNDS * sizeof(double));
    for (int s = 0; s < n; s++) {
        measure(data, bytes[s] / 4, atof(argv[3]), seconds);
    }
    for (int s = 0; s < n; s++) {
        int rounds = measure(data, bytes[s] / 4, atof(argv[2]), seconds);
        if (rank == 0) {
            print(bytes[s], seconds, rounds);
        }
    }
    free(seconds);
    free(data);
    MPI_Finalize();
    return 0;
}
