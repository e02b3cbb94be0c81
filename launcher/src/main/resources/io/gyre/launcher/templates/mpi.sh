#!/bin/sh
# Run with: sh FILE. Written by gyre template mpi. For Open MPI, MPICH and Intel MPI.
set -eu
${hosts}
if mpirun --version 2>&1 | grep -q 'Open MPI'; then
    # Cores are shared out among the ranks by Gyre.
    set -- --bind-to none${openMpi}
else
    set -- -bind-to none${hydra}
fi
exec mpirun -n ${ranks} "$@" ${command}
