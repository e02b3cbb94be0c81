// Sums of gradients, and a search for NaN and infinities in them. Without any #include, without barriers and without
// shared memory, so that nvcc, NVRTC and, for tests without a GPU, a host C++ compiler compile it to the same results.
// make-ptx compiles this file to gradient-kernels.ptx, which contains this file's hash; a test compares it.
typedef unsigned int u32;
typedef unsigned long long u64;

#define FOR_EACH(i, n) \
  for (u64 i = (u64)blockIdx.x * blockDim.x + threadIdx.x, step_ = (u64)gridDim.x * blockDim.x; i < (n); i += step_)

extern "C" __global__ void sum_f32(float* __restrict__ into, const float* __restrict__ from, u64 n) {
  FOR_EACH(i, n) into[i] = __fadd_rn(into[i], from[i]);
}

extern "C" __global__ void sum_f64(double* __restrict__ into, const double* __restrict__ from, u64 n) {
  FOR_EACH(i, n) into[i] = __dadd_rn(into[i], from[i]);
}

extern "C" __global__ void not_finite_f32(const u32* __restrict__ data, u32* flag, u64 n) {
  FOR_EACH(i, n) if ((data[i] & 0x7f800000u) == 0x7f800000u) *flag = 1u;
}

extern "C" __global__ void not_finite_f64(const u64* __restrict__ data, u32* flag, u64 n) {
  FOR_EACH(i, n) if ((data[i] & 0x7ff0000000000000ull) == 0x7ff0000000000000ull) *flag = 1u;
}
