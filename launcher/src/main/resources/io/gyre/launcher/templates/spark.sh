#!/bin/sh
# Run with: sh FILE. Written by gyre template spark. For spark-submit, with the master of Spark's configuration.
set -eu
# Ranks are tasks that run at the same time, each in an executor of its own. Most of their memory is not in the heap.
exec spark-submit --name ${name} \
    --conf spark.executor.instances=${ranks} \
    --conf spark.cores.max=${allCores} \
    --conf spark.executor.cores=${cores} \
    --conf spark.task.cpus=${cores} \
    --conf spark.executorEnv.OMP_NUM_THREADS=${cores} \
    --conf spark.executor.memory=${heap}g \
    --conf spark.executor.memoryOverhead=${nativeMemory}g \
    --conf "spark.executor.extraJavaOptions=${flag}" \
    --conf "spark.driver.extraJavaOptions=${flag}" \
    --conf spark.scheduler.minRegisteredResourcesRatio=1.0 \
    --conf spark.stage.maxConsecutiveAttempts=${attempts} \
    ${program}
