// What the kernels need of CUDA, for a host C++ compiler: kernels without barriers, one thread after the other.
#pragma once

#define __global__
#define __device__ static
#define __forceinline__ inline
#define __restrict__

struct Index3 {
  unsigned x, y, z;
};
static thread_local Index3 gridDim, blockDim, blockIdx, threadIdx;

static inline float __fadd_rn(float a, float b) { return a + b; }
static inline double __dadd_rn(double a, double b) { return a + b; }
