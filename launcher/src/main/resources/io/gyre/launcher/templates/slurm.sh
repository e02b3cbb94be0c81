#!/bin/bash
# Submit with: sbatch FILE. Written by gyre template slurm.
#SBATCH --job-name=${name}
#SBATCH --nodes=${nodes}
#SBATCH --ntasks=${ranks}
#SBATCH --ntasks-per-node=${ranksPerNode}
#SBATCH --cpus-per-task=${cores}
#SBATCH --mem=${memoryPerNode}G
#SBATCH --time=${time}
# Before the time is up, and when the job is preempted, the ranks have so many seconds to write a checkpoint.
#SBATCH --signal=TERM@${signalSeconds}
# A job that was preempted starts again; with --checkpoint DIR --resume it goes on where it was.
#SBATCH --requeue
#SBATCH --open-mode=append
${secret}
# The first rank that fails ends the others.
exec srun --kill-on-bad-exit=1 --cpus-per-task=${cores} ${command}
