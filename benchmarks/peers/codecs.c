/* The codecs of CodecBenchmark.java in C, which the compiler vectorises: the same formats and the same bits, and no
 * error feedback. Each answer is checked before its time counts. Prints codec, bytes of the piece, and the medians of
 * encoding and decoding in microseconds. An argument names the only codec to run. */
#include "bench.h"

#include <math.h>
/* Products and sums are rounded separately, as in Java. */
#pragma GCC optimize("fp-contract=off")
#ifdef __F16C__
#include <immintrin.h>
#endif

#define N (16 << 10)
#define SAMPLES 401
#define NOINLINE __attribute__((noinline))

typedef float f4 __attribute__((vector_size(16)));

static uint32_t bits(float value) {
    uint32_t result;
    memcpy(&result, &value, sizeof result);
    return result;
}

static float real(uint32_t value) {
    float result;
    memcpy(&result, &value, sizeof result);
    return result;
}

/* bf16 and fp16: in blocks of 2,048, the first half in the low halves of words, the second in the high halves. */

#define HALF 1024

static inline uint32_t to_bf16(uint32_t x) {
    uint32_t rounded = x + 0x7fff + ((x >> 16) & 1);
    return ((x & 0x7fffffff) > 0x7f800000 ? x | 0x400000 : rounded) >> 16;
}

NOINLINE static long encode_bf16(const float *restrict from, void *restrict to) {
    const uint32_t *x = (const uint32_t *) from;
    uint32_t *words = to;
    for (long block = 0; block < N / 2; block += HALF) {
        for (long i = 0; i < HALF; i++) {
            words[block + i] = to_bf16(x[2 * block + i]) | to_bf16(x[2 * block + HALF + i]) << 16;
        }
    }
    return 2 * N;
}

NOINLINE static void decode_bf16(const void *restrict from, float *restrict to) {
    const uint32_t *words = from;
    uint32_t *x = (uint32_t *) to;
    for (long block = 0; block < N / 2; block += HALF) {
        for (long i = 0; i < HALF; i++) {
            x[2 * block + i] = words[block + i] << 16;
            x[2 * block + HALF + i] = words[block + i] & 0xffff0000;
        }
    }
}

/* Giesen, float_to_half_fast3_rtne and half_to_float_fast, 2012: where the processor has no conversion. */
static inline uint32_t to_fp16(float value) {
    uint32_t x = bits(value) & 0x7fffffff;
    uint32_t normal = (x - (112 << 23) + 0xfff + ((x >> 13) & 1)) >> 13;
    uint32_t subnormal = bits(real(x) + 0.5f) - 0x3f000000;
    uint32_t finite = x < 0x38800000 ? subnormal : normal;
    uint32_t not_finite = x > 0x7f800000 ? 0x7e00 : 0x7c00;
    return (bits(value) >> 16 & 0x8000) | (x >= 0x47800000 ? not_finite : finite);
}

static inline float from_fp16(uint32_t half) {
    uint32_t x = (half & 0x7fff) << 13;
    uint32_t exponent = x & 0xf800000;
    uint32_t normal = x + (112 << 23) + (exponent == 0xf800000 ? 112 << 23 : 0);
    uint32_t subnormal = bits(real(x + (113 << 23)) - real(113 << 23));
    return real((exponent == 0 ? subnormal : normal) | (half & 0x8000) << 16);
}

#ifdef __F16C__
#define F16_STEP 8

static inline void pack_fp16(const float *low, const float *high, uint32_t *words) {
    __m128i a = _mm256_cvtps_ph(_mm256_loadu_ps(low), _MM_FROUND_TO_NEAREST_INT);
    __m128i b = _mm256_cvtps_ph(_mm256_loadu_ps(high), _MM_FROUND_TO_NEAREST_INT);
    _mm_storeu_si128((__m128i *) words, _mm_unpacklo_epi16(a, b));
    _mm_storeu_si128((__m128i *) (words + 4), _mm_unpackhi_epi16(a, b));
}

static inline void unpack_fp16(const uint32_t *words, float *low, float *high) {
    __m256i w = _mm256_loadu_si256((const __m256i *) words);
    __m256i a = _mm256_and_si256(w, _mm256_set1_epi32(0xffff));
    __m256i b = _mm256_srli_epi32(w, 16);
    __m256i both = _mm256_permute4x64_epi64(_mm256_packus_epi32(a, b), 0xd8);
    _mm256_storeu_ps(low, _mm256_cvtph_ps(_mm256_castsi256_si128(both)));
    _mm256_storeu_ps(high, _mm256_cvtph_ps(_mm256_extracti128_si256(both, 1)));
}
#else
#define F16_STEP 1

static inline void pack_fp16(const float *low, const float *high, uint32_t *words) {
    *words = to_fp16(*low) | to_fp16(*high) << 16;
}

static inline void unpack_fp16(const uint32_t *words, float *low, float *high) {
    *low = from_fp16(*words & 0xffff);
    *high = from_fp16(*words >> 16);
}
#endif

NOINLINE static long encode_fp16(const float *restrict from, void *restrict to) {
    uint32_t *words = to;
    for (long block = 0; block < N / 2; block += HALF) {
        for (long i = 0; i < HALF; i += F16_STEP) {
            pack_fp16(from + 2 * block + i, from + 2 * block + HALF + i, words + block + i);
        }
    }
    return 2 * N;
}

NOINLINE static void decode_fp16(const void *restrict from, float *restrict to) {
    const uint32_t *words = from;
    for (long block = 0; block < N / 2; block += HALF) {
        for (long i = 0; i < HALF; i += F16_STEP) {
            unpack_fp16(words + block + i, to + 2 * block + i, to + 2 * block + HALF + i);
        }
    }
}

/* int8: a scale for each 256 elements, and words of four integers, one of each quarter of the elements. */

#define SCALED 256
#define QUARTER (N / 4)
#define SHIFT 0x1.8p23f
#define SHIFT_BITS 0x4b400000

NOINLINE static long encode_int8(const float *restrict from, void *restrict to) {
    static uint32_t shifted[N];
    float *scales = to;
    uint32_t *words = (uint32_t *) to + N / SCALED;
    for (long block = 0; block < N / SCALED; block++) {
        const float *x = from + block * SCALED;
        uint32_t greatest = 0;
        for (long i = 0; i < SCALED; i++) {
            uint32_t magnitude = bits(x[i]) & 0x7fffffff;
            greatest = greatest > magnitude ? greatest : magnitude;
        }
        float magnitude = real(greatest);
        int finite = greatest < 0x7f800000;
        int scaled = finite && magnitude >= 1e-30f;
        float factor = scaled ? 127 / magnitude : 0;
        for (long i = 0; i < SCALED; i++) {
            shifted[block * SCALED + i] = scaled ? bits(x[i] * factor + SHIFT) : SHIFT_BITS;
        }
        scales[block] = scaled ? magnitude / 127 : finite ? 0 : NAN;
    }
    for (long i = 0; i < QUARTER; i++) {
        words[i] = (shifted[i] & 0xff) | (shifted[QUARTER + i] & 0xff) << 8 | (shifted[2 * QUARTER + i] & 0xff) << 16
                   | shifted[3 * QUARTER + i] << 24;
    }
    return N + N / SCALED * 4;
}

NOINLINE static void decode_int8(const void *restrict from, float *restrict to) {
    const float *scales = from;
    const int32_t *words = (const int32_t *) from + N / SCALED;
    for (long quarter = 0; quarter < 4; quarter++) {
        for (long begin = 0; begin < QUARTER; begin += SCALED) {
            float scale = scales[(quarter * QUARTER + begin) / SCALED];
            float *x = to + quarter * QUARTER + begin;
            for (long i = 0; i < SCALED; i++) {
                x[i] = (float) ((int32_t) ((uint32_t) words[begin + i] << (24 - 8 * quarter)) >> 24) * scale;
            }
        }
    }
}

/* onebit: 32 rows; bit b of a word is the sign of row b. For each four rows the means of either sign. */

#define WIDTH (N / 32)
#define GROUPS 8
#define ROWS (32 / GROUPS)

NOINLINE static long encode_onebit(const float *restrict from, void *restrict to) {
    const uint32_t *x = (const uint32_t *) from;
    float *means = to;
    uint32_t *words = (uint32_t *) to + 2 * GROUPS;
    memset(words, 0, WIDTH * 4);
    for (long group = 0; group < GROUPS; group++) {
        const float *rows = from + group * ROWS * WIDTH;
        const uint32_t *row_bits = x + group * ROWS * WIDTH;
        uint32_t negative = 0;
        for (long i = 0; i < WIDTH; i++) {
            uint32_t a = row_bits[i] >> 31;
            uint32_t b = row_bits[WIDTH + i] >> 31;
            uint32_t c = row_bits[2 * WIDTH + i] >> 31;
            uint32_t d = row_bits[3 * WIDTH + i] >> 31;
            negative += a + b + c + d;
            words[i] |= (a | b << 1 | c << 2 | d << 3) << ROWS * group;
        }
        /* By column, and then every fourth column, as in Java. */
        f4 sums = {0};
        f4 magnitudes = {0};
        for (long i = 0; i < WIDTH; i += 4) {
            f4 sum = {0};
            f4 magnitude = {0};
            for (long row = 0; row < ROWS; row++) {
                f4 v;
                memcpy(&v, rows + row * WIDTH + i, sizeof v);
                sum += v;
                magnitude += (f4) {fabsf(v[0]), fabsf(v[1]), fabsf(v[2]), fabsf(v[3])};
            }
            sums += sum;
            magnitudes += magnitude;
        }
        float sum = (sums[0] + sums[1]) + (sums[2] + sums[3]);
        float magnitude = (magnitudes[0] + magnitudes[1]) + (magnitudes[2] + magnitudes[3]);
        uint32_t positive = ROWS * WIDTH - negative;
        means[2 * group] = (magnitude + sum) / 2 / (float) (positive > 1 ? positive : 1);
        means[2 * group + 1] = (sum - magnitude) / 2 / (float) (negative > 1 ? negative : 1);
    }
    return 2 * GROUPS * 4 + N / 8;
}

NOINLINE static void decode_onebit(const void *restrict from, float *restrict to) {
    const uint32_t *means = from;
    const uint32_t *words = (const uint32_t *) from + 2 * GROUPS;
    uint32_t *x = (uint32_t *) to;
    for (int row = 0; row < 32; row++) {
        uint32_t positive = means[row / ROWS * 2];
        uint32_t difference = positive ^ means[row / ROWS * 2 + 1];
        for (long i = 0; i < WIDTH; i++) {
            x[row * WIDTH + i] = positive ^ (difference & -(words[i] >> row & 1));
        }
    }
}

/* topk: the floats, and then their indices, of 16 bits, the first half in the low halves of words. The highest digit of
 * all magnitudes is counted; what is below that of the least one wanted is then out, and few remain. */

#define KEPT 164 /* 1 % of N */

static int descend(const uint32_t *counts, int digit, long *wanted) {
    while (counts[digit] < *wanted) {
        *wanted -= counts[digit--];
    }
    return digit;
}

NOINLINE static long encode_topk(const float *restrict from, void *restrict to) {
    static uint32_t counts[4][1 << 11];
    static uint32_t magnitudes[N + 1];
    static uint32_t indices[N + 1];
    const uint32_t *x = (const uint32_t *) from;
    memset(counts, 0, sizeof counts);
    for (long i = 0; i < N; i += 4) {
        counts[0][(x[i] & 0x7fffffff) >> 20]++;
        counts[1][(x[i + 1] & 0x7fffffff) >> 20]++;
        counts[2][(x[i + 2] & 0x7fffffff) >> 20]++;
        counts[3][(x[i + 3] & 0x7fffffff) >> 20]++;
    }
    for (long d = 0; d < 1 << 11; d++) {
        counts[0][d] += counts[1][d] + counts[2][d] + counts[3][d];
    }
    long wanted = KEPT;
    uint32_t high = (uint32_t) descend(counts[0], (1 << 11) - 1, &wanted);
    /* Groups of 32 without a candidate are passed over. */
    long found = 0;
    uint32_t floor = high << 20;
    for (long begin = 0; begin < N; begin += 32) {
        uint32_t any = 0;
        for (long i = begin; i < begin + 32; i++) {
            any |= (x[i] & 0x7fffffff) >= floor;
        }
        for (long i = begin; any && i < begin + 32; i++) {
            uint32_t magnitude = x[i] & 0x7fffffff;
            magnitudes[found] = magnitude;
            indices[found] = (uint32_t) i;
            found += magnitude >= floor;
        }
    }
    memset(counts[0], 0, sizeof counts[0]);
    for (long i = 0; i < found; i++) {
        counts[0][(magnitudes[i] >> 9) & 0x7ff] += magnitudes[i] >> 20 == high;
    }
    uint32_t upper = high << 11 | (uint32_t) descend(counts[0], (1 << 11) - 1, &wanted);
    memset(counts[0], 0, sizeof counts[0]);
    for (long i = 0; i < found; i++) {
        counts[0][magnitudes[i] & 0x1ff] += magnitudes[i] >> 9 == upper;
    }
    uint32_t least = upper << 9 | (uint32_t) descend(counts[0], (1 << 9) - 1, &wanted);
    uint32_t *kept = to;
    uint32_t *pairs = kept + KEPT;
    uint32_t chosen[KEPT];
    for (long i = 0, k = 0; k < KEPT; i++) {
        if (magnitudes[i] > least || (magnitudes[i] == least && wanted-- > 0)) {
            kept[k] = x[indices[i]];
            chosen[k++] = indices[i];
        }
    }
    for (long i = 0; i < KEPT / 2; i++) {
        pairs[i] = chosen[i] | chosen[KEPT / 2 + i] << 16;
    }
    return KEPT * 6;
}

NOINLINE static void decode_topk(const void *restrict from, float *restrict to) {
    const float *kept = from;
    const uint32_t *pairs = (const uint32_t *) from + KEPT;
    memset(to, 0, N * 4);
    for (long i = 0; i < KEPT / 2; i++) {
        to[pairs[i] & 0xffff] = kept[i];
        to[pairs[i] >> 16] = kept[KEPT / 2 + i];
    }
}

/* randomk: the floats of indices drawn by Floyd's algorithm; an element that is not finite makes all NaN. */

static uint64_t step;
static uint32_t drawn[KEPT];

static uint64_t mix(uint64_t z) {
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static void draw(void) {
    static uint64_t set[N / 64];
    memset(set, 0, sizeof set);
    uint64_t state = mix(mix(mix(0) ^ step));
    for (uint64_t last = N - KEPT; last < N; last++) {
        state += 0x9e3779b97f4a7c15u;
        uint64_t index = ((mix(state) >> 32) * (last + 1)) >> 32;
        uint64_t chosen = set[index / 64] >> (index % 64) & 1 ? last : index;
        set[chosen / 64] |= (uint64_t) 1 << (chosen % 64);
    }
    long found = 0;
    for (long word = 0; word < N / 64; word++) {
        for (uint64_t rest = set[word]; rest != 0; rest &= rest - 1) {
            drawn[found++] = (uint32_t) (word * 64 + __builtin_ctzll(rest));
        }
    }
}

NOINLINE static long encode_randomk(const float *restrict from, void *restrict to) {
    const uint32_t *x = (const uint32_t *) from;
    float *kept = to;
    step++;
    draw();
    uint32_t not_finite = 0;
    for (long i = 0; i < N; i++) {
        not_finite |= (x[i] & 0x7f800000) == 0x7f800000;
    }
    for (long i = 0; i < KEPT; i++) {
        kept[i] = not_finite ? NAN : from[drawn[i]];
    }
    return KEPT * 4;
}

NOINLINE static void decode_randomk(const void *restrict from, float *restrict to) {
    const float *kept = from;
    memset(to, 0, N * 4);
    for (long i = 0; i < KEPT; i++) {
        to[drawn[i]] = kept[i];
    }
}

/* threshold: length, number of entries, and entries of 24 bits of index and 8 of sign. No piece is dense here. */

#define THRESHOLD 2.5f

NOINLINE static long encode_threshold(const float *restrict from, void *restrict to) {
    const uint32_t *x = (const uint32_t *) from;
    uint32_t *length = to;
    uint32_t *entries = length + 2;
    long found = 0;
    uint32_t least = bits(THRESHOLD);
    for (long begin = 0; begin < N; begin += 32) {
        uint32_t any = 0;
        for (long i = begin; i < begin + 32; i++) {
            any |= (x[i] & 0x7fffffff) >= least;
        }
        for (long i = begin; any && i < begin + 32; i++) {
            uint32_t magnitude = x[i] & 0x7fffffff;
            if (magnitude >= least) {
                if (magnitude >= 0x7f800000 || found == N / 4) {
                    length[0] = 8;
                    length[1] = (uint32_t) -2;
                    return 8;
                }
                entries[found++] = (uint32_t) i << 8 | (x[i] >> 31 ? 0xff : 1);
            }
        }
    }
    length[0] = (uint32_t) (8 + 4 * found);
    length[1] = (uint32_t) found;
    return 8 + 4 * found;
}

NOINLINE static void decode_threshold(const void *restrict from, float *restrict to) {
    const uint32_t *length = from;
    const uint32_t *entries = length + 2;
    memset(to, 0, N * 4);
    for (uint32_t i = 0; i < length[1]; i++) {
        to[entries[i] >> 8] += (float) (int8_t) entries[i] * THRESHOLD;
    }
}

/* The checks: plain definitions, one element at a time. */

static const char *failing;
static float *floats;
static float *decoded;
static void *encoded;

static void require(int holds, long i) {
    if (!holds) {
        fprintf(stderr, "%s: element %ld is %.9g, decoded as %.9g\n", failing, i, floats[i], decoded[i]);
        exit(1);
    }
}

static void check_bf16(void) {
    for (long i = 0; i < N; i++) {
        double unit = ldexp(1, ilogb(floats[i]) - 7);
        require(decoded[i] == (float) (rint(floats[i] / unit) * unit), i);
    }
}

static void check_fp16(void) {
    for (long i = 0; i < N; i++) {
        int exponent = ilogb(floats[i]);
        double unit = ldexp(1, (exponent < -14 ? -14 : exponent) - 10);
        require(decoded[i] == (float) (rint(floats[i] / unit) * unit), i);
        require(decoded[i] == from_fp16(to_fp16(floats[i])), i);
    }
}

static void check_int8(void) {
    for (long begin = 0; begin < N; begin += SCALED) {
        float greatest = 0;
        for (long i = begin; i < begin + SCALED; i++) {
            greatest = fmaxf(greatest, fabsf(floats[i]));
        }
        float scale = greatest / 127;
        float factor = 127 / greatest;
        for (long i = begin; i < begin + SCALED; i++) {
            require(decoded[i] == rintf(floats[i] * factor) * scale, i);
        }
    }
}

static void check_onebit(void) {
    for (long begin = 0; begin < N; begin += ROWS * WIDTH) {
        double sums[2] = {0};
        long counts[2] = {0};
        for (long i = begin; i < begin + ROWS * WIDTH; i++) {
            sums[floats[i] < 0] += floats[i];
            counts[floats[i] < 0]++;
        }
        for (long i = begin; i < begin + ROWS * WIDTH; i++) {
            int sign = floats[i] < 0;
            require(fabs(decoded[i] - sums[sign] / counts[sign]) < 1e-5, i);
        }
    }
}

static void check_topk(void) {
    double least = HUGE_VAL;
    double greatest_left = 0;
    long kept = 0;
    for (long i = 0; i < N; i++) {
        if (decoded[i] == 0) {
            greatest_left = fmax(greatest_left, fabs(floats[i]));
        } else {
            require(decoded[i] == floats[i], i);
            least = fmin(least, fabs(floats[i]));
            kept++;
        }
    }
    require(kept == KEPT && least >= greatest_left, 0);
}

static void check_randomk(void) {
    long kept = 0;
    for (long i = 0; i < N; i++) {
        require(decoded[i] == 0 || decoded[i] == floats[i], i);
        kept += decoded[i] != 0;
    }
    require(kept == KEPT, 0);
}

static void check_threshold(void) {
    for (long i = 0; i < N; i++) {
        require(decoded[i] == (floats[i] >= THRESHOLD ? THRESHOLD : floats[i] <= -THRESHOLD ? -THRESHOLD : 0), i);
    }
}

static const struct {
    const char *name;
    long (*encode)(const float *restrict, void *restrict);
    void (*decode)(const void *restrict, float *restrict);
    void (*check)(void);
} CODECS[] = {
    {"bf16", encode_bf16, decode_bf16, check_bf16},
    {"fp16", encode_fp16, decode_fp16, check_fp16},
    {"int8", encode_int8, decode_int8, check_int8},
    {"onebit", encode_onebit, decode_onebit, check_onebit},
    {"topk:0.01", encode_topk, decode_topk, check_topk},
    {"randomk:0.01", encode_randomk, decode_randomk, check_randomk},
    {"threshold:2.5", encode_threshold, decode_threshold, check_threshold},
};

static double median(int codec, int encoding) {
    static double samples[SAMPLES];
    for (int s = -SAMPLES; s < SAMPLES; s++) {
        double begin = now();
        if (encoding) {
            CODECS[codec].encode(floats, encoded);
        } else {
            CODECS[codec].decode(encoded, decoded);
        }
        if (s >= 0) {
            samples[s] = now() - begin;
        }
    }
    qsort(samples, SAMPLES, sizeof(double), ascending);
    return samples[SAMPLES / 2] * 1e6;
}

static double uniform(uint64_t *state) {
    *state += 0x9e3779b97f4a7c15u;
    return (double) (mix(*state) >> 11) * 0x1p-53;
}

int main(int argc, char **argv) {
    floats = aligned_alloc(64, N * 4);
    decoded = aligned_alloc(64, N * 4);
    encoded = aligned_alloc(64, N * 4 + 64);
    uint64_t state = 1;
    for (long i = 0; i < N; i++) {
        double radius = sqrt(-2 * log(1 - uniform(&state)));
        floats[i] = (float) (radius * cos(2 * 3.14159265358979323846 * uniform(&state)));
    }
    printf("codec bytes encode decode\n");
    for (int codec = 0; codec < (int) (sizeof CODECS / sizeof *CODECS); codec++) {
        failing = CODECS[codec].name;
        if (argc > 1 && strcmp(argv[1], failing) != 0) {
            continue;
        }
        long bytes = CODECS[codec].encode(floats, encoded);
        CODECS[codec].decode(encoded, decoded);
        CODECS[codec].check();
        double encode = median(codec, 1);
        double decode = median(codec, 0);
        CODECS[codec].check();
        printf("%s %ld %.3f %.3f\n", failing, bytes, encode, decode);
    }
    return 0;
}
