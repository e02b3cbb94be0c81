/**
 * NVIDIA's GPUs as an implementation of {@link io.gyre.device}, through JCuda's binding of the CUDA driver. Needs the
 * driver's {@code libcuda.so.1} and no other CUDA library. On a machine without it the classes load, and {@link
 * io.gyre.cuda.CudaProvider} says what is missing.
 */
@NullMarked
package io.gyre.cuda;

import org.jspecify.annotations.NullMarked;
