// Elementwise arithmetic on gradients. Without any #include, without barriers and without shared memory, so that nvcc,
// NVRTC and, for tests without a GPU, a host C++ compiler compile it to the same results. make-ptx compiles this file
// to gradient-kernels.ptx, which contains this file's hash; a test compares it.
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;

#define FOR_EACH(i, n) \
  for (u64 i = (u64)blockIdx.x * blockDim.x + threadIdx.x, step_ = (u64)gridDim.x * blockDim.x; i < (n); i += step_)

// Round to nearest, ties to even; NaN becomes quiet and keeps its sign.
__device__ __forceinline__ u16 to_bf16(float f) {
  u32 bits = __float_as_uint(f);
  if ((bits & 0x7fffffffu) > 0x7f800000u) return (u16)(((bits >> 16) & 0x8000u) | 0x7fc0u);
  return (u16)((bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16);
}

__device__ __forceinline__ u16 to_fp16(float f) {
  u32 bits = __float_as_uint(f);
  u32 sign = (bits >> 16) & 0x8000u;
  u32 magnitude = bits & 0x7fffffffu;
  if (magnitude > 0x7f800000u) return (u16)(sign | 0x7e00u);
  if (magnitude >= 0x477ff000u) return (u16)(sign | 0x7c00u);  // half a step beyond the largest
  if (magnitude >= 0x38800000u) {                              // normal: the carry may reach the exponent
    u32 shifted = magnitude - 0x38000000u;
    return (u16)(sign | ((shifted + 0xfffu + ((shifted >> 13) & 1u)) >> 13));
  }
  if (magnitude < 0x33000000u) return (u16)sign;  // below half of the smallest
  u32 shift = 126u - (magnitude >> 23);
  u32 significand = (magnitude & 0x7fffffu) | 0x800000u;
  u32 kept = significand >> shift;
  u32 lost = significand & ((1u << shift) - 1u);
  u32 half = 1u << (shift - 1u);
  if (lost > half || (lost == half && (kept & 1u))) kept++;
  return (u16)(sign | kept);
}

__device__ __forceinline__ float from_bf16(u16 h) { return __uint_as_float((u32)h << 16); }

__device__ __forceinline__ float from_fp16(u16 h) {
  u32 sign = (u32)(h & 0x8000u) << 16;
  u32 exponent = (h >> 10) & 0x1fu;
  u32 fraction = h & 0x3ffu;
  if (exponent == 0x1fu) return __uint_as_float(sign | (fraction ? 0x7fc00000u : 0x7f800000u));
  if (exponent) return __uint_as_float(sign | ((exponent + 112u) << 23) | (fraction << 13));
  float magnitude = (float)fraction * 5.9604644775390625e-8f;  // 2^-24, exact
  return __uint_as_float(sign | __float_as_uint(magnitude));
}

// Rounded after each operation: the compiler must not fuse them.
#define ARITHMETIC(suffix, T, MUL, ADD)                                                                            \
  extern "C" __global__ void sum_##suffix(T* __restrict__ into, const T* __restrict__ from, u64 n) {               \
    FOR_EACH(i, n) into[i] = ADD(into[i], from[i]);                                                                \
  }                                                                                                                \
  extern "C" __global__ void scale_##suffix(T* data, T factor, u64 n) {                                            \
    FOR_EACH(i, n) data[i] = factor == 0 ? (T)0 : MUL(data[i], factor);                                            \
  }                                                                                                                \
  extern "C" __global__ void axpy_##suffix(T* __restrict__ into, const T* __restrict__ from, T factor, u64 n) {    \
    FOR_EACH(i, n) into[i] = ADD(into[i], MUL(factor, from[i]));                                                   \
  }

ARITHMETIC(f32, float, __fmul_rn, __fadd_rn)
ARITHMETIC(f64, double, __dmul_rn, __dadd_rn)

extern "C" __global__ void not_finite_f32(const u32* __restrict__ data, u32* flag, u64 n) {
  FOR_EACH(i, n) if ((data[i] & 0x7f800000u) == 0x7f800000u) *flag = 1u;
}

extern "C" __global__ void not_finite_f64(const u64* __restrict__ data, u32* flag, u64 n) {
  FOR_EACH(i, n) if ((data[i] & 0x7ff0000000000000ull) == 0x7ff0000000000000ull) *flag = 1u;
}

extern "C" __global__ void narrow_fp16(u16* __restrict__ into, const float* __restrict__ from, u64 n) {
  FOR_EACH(i, n) into[i] = to_fp16(from[i]);
}

extern "C" __global__ void narrow_bf16(u16* __restrict__ into, const float* __restrict__ from, u64 n) {
  FOR_EACH(i, n) into[i] = to_bf16(from[i]);
}

extern "C" __global__ void widen_fp16(float* __restrict__ into, const u16* __restrict__ from, u64 n) {
  FOR_EACH(i, n) into[i] = from_fp16(from[i]);
}

extern "C" __global__ void widen_bf16(float* __restrict__ into, const u16* __restrict__ from, u64 n) {
  FOR_EACH(i, n) into[i] = from_bf16(from[i]);
}

// Threshold encoding in four passes, so that entries are in the order of their elements, the same in every run: count
// in each chunk, sum the counts of each group, sum the groups, then compute each chunk's offset and write. One thread
// per chunk.
#define CHUNK 32u
#define GROUP 1024u

__device__ __forceinline__ bool reaches(float value, float threshold) {
  return value >= threshold || value <= -threshold;
}

extern "C" __global__ void threshold_count(const float* __restrict__ data, float threshold, u32* counts, u64 n) {
  u64 chunks = (n + CHUNK - 1) / CHUNK;
  FOR_EACH(c, chunks) {
    u64 end = (c + 1) * CHUNK < n ? (c + 1) * CHUNK : n;
    u32 found = 0;
    for (u64 i = c * CHUNK; i < end; i++) found += reaches(data[i], threshold) ? 1u : 0u;
    counts[c] = found;
  }
}

// Counts become offsets inside their group.
extern "C" __global__ void threshold_groups(u32* counts, u32* groups, u64 chunks) {
  u64 all = (chunks + GROUP - 1) / GROUP;
  FOR_EACH(g, all) {
    u64 end = (g + 1) * GROUP < chunks ? (g + 1) * GROUP : chunks;
    u32 before = 0;
    for (u64 c = g * GROUP; c < end; c++) {
      u32 found = counts[c];
      counts[c] = before;
      before += found;
    }
    groups[g] = before;
  }
}

// The groups' sums become their offsets. One thread.
extern "C" __global__ void threshold_total(u32* groups, u32* total, u64 all) {
  if (blockIdx.x != 0 || threadIdx.x != 0) return;
  u32 before = 0;
  for (u64 g = 0; g < all; g++) {
    u32 found = groups[g];
    groups[g] = before;
    before += found;
  }
  *total = before;
}

extern "C" __global__ void threshold_pack(float* __restrict__ data, float threshold, const u32* counts, const u32* groups,
                                          int* __restrict__ entries, u32 capacity, u64 n) {
  u64 chunks = (n + CHUNK - 1) / CHUNK;
  FOR_EACH(c, chunks) {
    u64 end = (c + 1) * CHUNK < n ? (c + 1) * CHUNK : n;
    u32 place = groups[c / GROUP] + counts[c];
    for (u64 i = c * CHUNK; i < end && place < capacity; i++) {
      float value = data[i];
      if (!reaches(value, threshold)) continue;
      int entry = (int)(i + 1);
      bool positive = value >= threshold;
      entries[place++] = positive ? entry : -entry;
      data[i] = positive ? __fadd_rn(value, -threshold) : __fadd_rn(value, threshold);
    }
  }
}
