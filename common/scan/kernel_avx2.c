/* AVX2: widens bytes to 16 bits, then multiplies and adds pairs. The sum of a pair is at most 2
 * * 127 * 8191, far below 2^31. */
#include "common/scan/kernel.h"

#if defined(__x86_64__)

#include <immintrin.h>

#define AVX2  __attribute__((target("avx2")))
#define AHEAD 8192 /* bytes that one core can prefetch from memory */

/* Returns the four sums of four accumulators. */
AVX2 static inline __m128i sums(__m256i a, __m256i b, __m256i c, __m256i d)
{
    __m256i s = _mm256_hadd_epi32(_mm256_hadd_epi32(a, b), _mm256_hadd_epi32(c, d));

    return _mm_add_epi32(_mm256_castsi256_si128(s), _mm256_extracti128_si256(s, 1));
}

AVX2 static inline __m256i more(__m256i sum, __m256i q, const int8_t *x)
{
    __m256i wide = _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)x));

    return _mm256_add_epi32(sum, _mm256_madd_epi16(wide, q));
}

AVX2 static __m128i four(const struct scan_query *q, const int8_t *x, size_t step)
{
    __m256i a = _mm256_setzero_si256(), b = a, c = a, d = a;

    for (int i = 0; i < q->dim; i += 16) {
        __m256i v = _mm256_loadu_si256((const __m256i *)(q->code + i));

        a = more(a, v, x + i);
        b = more(b, v, x + step + i);
        c = more(c, v, x + 2 * step + i);
        d = more(d, v, x + 3 * step + i);
    }
    return sums(a, b, c, d);
}

AVX2 static void dots(const struct scan_query *q, const int8_t *rows, size_t n, int32_t *out)
{
    size_t dim = (size_t)q->dim, i = 0;

    for (; i + 4 <= n; i += 4) {
        for (size_t line = 0; line < 4 * dim; line += 64)
            _mm_prefetch((const char *)(rows + i * dim + line + AHEAD), _MM_HINT_T0);
        _mm_storeu_si128((__m128i *)(out + i), four(q, rows + i * dim, dim));
    }
    for (; i < n;
         i++) /* the same row four times: for the last rows of a set, and single rows */
        out[i] = _mm_cvtsi128_si32(four(q, rows + i * dim, 0));
}

scan_dots_fn *ward_scan_avx2(void)
{
    return __builtin_cpu_supports("avx2") ? dots : NULL;
}

#else

scan_dots_fn *ward_scan_avx2(void)
{
    return NULL;
}

#endif
