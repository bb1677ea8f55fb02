/* AVX-512. With VNNI, vpdpbusd multiplies unsigned by signed bytes and adds four products to 32
 * bits. Rows are therefore made unsigned (+128, which is one XOR), and 128 times the sum of the
 * query is subtracted at the end. The query's 14 bits are two signed bytes. Intermediate sums
 * may wrap, because they are modulo 2^32 and the final sum fits. Without VNNI: as AVX2, but
 * wider. */
#include "common/scan/kernel.h"

#if defined(__x86_64__)

#include <immintrin.h>

#define BW    __attribute__((target("avx512f,avx512bw")))
#define VNNI  __attribute__((target("avx512f,avx512bw,avx512vnni")))
#define AHEAD 8192 /* bytes that one core can prefetch from memory */

BW static inline __m256i halves(__m512i v)
{
    return _mm256_add_epi32(_mm512_castsi512_si256(v), _mm512_extracti64x4_epi64(v, 1));
}

/* Returns the four sums of four accumulators. */
BW static inline __m128i sums(__m512i a, __m512i b, __m512i c, __m512i d)
{
    __m256i s = _mm256_hadd_epi32(_mm256_hadd_epi32(halves(a), halves(b)),
                                  _mm256_hadd_epi32(halves(c), halves(d)));

    return _mm_add_epi32(_mm256_castsi256_si128(s), _mm256_extracti128_si256(s, 1));
}

BW static inline __m512i load(const void *p)
{
    return _mm512_loadu_si512(p);
}

BW static inline void ahead(const int8_t *rows, size_t nbytes)
{
    for (size_t line = 0; line < nbytes; line += 64)
        _mm_prefetch((const char *)(rows + line + AHEAD), _MM_HINT_T0);
}

VNNI static inline __m512i whole(__m512i hi, __m512i lo)
{
    return _mm512_add_epi32(_mm512_slli_epi32(hi, 7), lo);
}

VNNI static inline __m128i four_vnni(const struct scan_query *q, const int8_t *x, size_t step)
{
    const __m512i sign = _mm512_set1_epi8((char)-128);
    __m512i ah = _mm512_setzero_si512(), bh = ah, ch = ah, dh = ah;
    __m512i al = ah, bl = ah, cl = ah, dl = ah;

    for (int i = 0; i < q->dim; i += 64) {
        __m512i h = load(q->hi + i), l = load(q->lo + i);
        __m512i a = _mm512_xor_si512(load(x + i), sign);
        __m512i b = _mm512_xor_si512(load(x + step + i), sign);
        __m512i c = _mm512_xor_si512(load(x + 2 * step + i), sign);
        __m512i d = _mm512_xor_si512(load(x + 3 * step + i), sign);

        ah = _mm512_dpbusd_epi32(ah, a, h);
        al = _mm512_dpbusd_epi32(al, a, l);
        bh = _mm512_dpbusd_epi32(bh, b, h);
        bl = _mm512_dpbusd_epi32(bl, b, l);
        ch = _mm512_dpbusd_epi32(ch, c, h);
        cl = _mm512_dpbusd_epi32(cl, c, l);
        dh = _mm512_dpbusd_epi32(dh, d, h);
        dl = _mm512_dpbusd_epi32(dl, d, l);
    }
    return _mm_sub_epi32(sums(whole(ah, al), whole(bh, bl), whole(ch, cl), whole(dh, dl)),
                         _mm_set1_epi32(q->bias));
}

VNNI static void dots_vnni(const struct scan_query *q, const int8_t *rows, size_t n,
                           int32_t *out)
{
    size_t dim = (size_t)q->dim, i = 0;

    for (; i + 4 <= n; i += 4) {
        ahead(rows + i * dim, 4 * dim);
        _mm_storeu_si128((__m128i *)(out + i), four_vnni(q, rows + i * dim, dim));
    }
    for (; i < n;
         i++) /* the same row four times: for the last rows of a set, and single rows */
        out[i] = _mm_cvtsi128_si32(four_vnni(q, rows + i * dim, 0));
}

BW static inline __m512i more(__m512i sum, __m512i q, const int8_t *x)
{
    __m512i wide = _mm512_cvtepi8_epi16(_mm256_loadu_si256((const __m256i *)x));

    return _mm512_add_epi32(sum, _mm512_madd_epi16(wide, q));
}

BW static inline __m128i four_bw(const struct scan_query *q, const int8_t *x, size_t step)
{
    __m512i a = _mm512_setzero_si512(), b = a, c = a, d = a;

    for (int i = 0; i < q->dim; i += 32) {
        __m512i v = load(q->code + i);

        a = more(a, v, x + i);
        b = more(b, v, x + step + i);
        c = more(c, v, x + 2 * step + i);
        d = more(d, v, x + 3 * step + i);
    }
    return sums(a, b, c, d);
}

BW static void dots_bw(const struct scan_query *q, const int8_t *rows, size_t n, int32_t *out)
{
    size_t dim = (size_t)q->dim, i = 0;

    for (; i + 4 <= n; i += 4) {
        ahead(rows + i * dim, 4 * dim);
        _mm_storeu_si128((__m128i *)(out + i), four_bw(q, rows + i * dim, dim));
    }
    for (; i < n; i++)
        out[i] = _mm_cvtsi128_si32(four_bw(q, rows + i * dim, 0));
}

scan_dots_fn *ward_scan_avx512vnni(void)
{
    return __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vnni")
               ? dots_vnni
               : NULL;
}

scan_dots_fn *ward_scan_avx512bw(void)
{
    return __builtin_cpu_supports("avx512bw") ? dots_bw : NULL;
}

#else

scan_dots_fn *ward_scan_avx512vnni(void)
{
    return NULL;
}

scan_dots_fn *ward_scan_avx512bw(void)
{
    return NULL;
}

#endif
