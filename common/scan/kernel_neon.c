/* NEON. With the dot-product instructions (ARMv8.2, most servers): signed bytes times signed
 * bytes, with the query's 14 bits as two bytes. Without them: bytes widened to 16 bits. */
#include "common/scan/kernel.h"

#if defined(__aarch64__)

#include <arm_neon.h>
#include <sys/auxv.h>

#ifndef HWCAP_ASIMDDP
#define HWCAP_ASIMDDP (1 << 20)
#endif
#if defined(__clang__)
#define DOTPROD __attribute__((target("dotprod")))
#else
#define DOTPROD __attribute__((target("arch=armv8.2-a+dotprod")))
#endif

static void dots(const struct scan_query *q, const int8_t *rows, size_t n, int32_t *out)
{
    for (size_t r = 0; r < n; r++) {
        const int8_t *row = rows + r * (size_t)q->dim;
        int32x4_t a = vdupq_n_s32(0), b = a, c = a, d = a;

        for (int i = 0; i < q->dim; i += 16) {
            int8x16_t x = vld1q_s8(row + i);
            int16x8_t low = vmovl_s8(vget_low_s8(x)), high = vmovl_high_s8(x);
            int16x8_t ql = vld1q_s16(q->code + i), qh = vld1q_s16(q->code + i + 8);

            a = vmlal_s16(a, vget_low_s16(low), vget_low_s16(ql));
            b = vmlal_high_s16(b, low, ql);
            c = vmlal_s16(c, vget_low_s16(high), vget_low_s16(qh));
            d = vmlal_high_s16(d, high, qh);
        }
        out[r] = vaddvq_s32(vaddq_s32(vaddq_s32(a, b), vaddq_s32(c, d)));
    }
}

DOTPROD static void dots_dotprod(const struct scan_query *q, const int8_t *rows, size_t n,
                                 int32_t *out)
{
    for (size_t r = 0; r < n; r++) {
        const int8_t *row = rows + r * (size_t)q->dim;
        int32x4_t h0 = vdupq_n_s32(0), h1 = h0, l0 = h0, l1 = h0;

        for (int i = 0; i < q->dim; i += 32) {
            int8x16_t x = vld1q_s8(row + i), y = vld1q_s8(row + i + 16);

            h0 = vdotq_s32(h0, x, vld1q_s8(q->hi + i));
            l0 = vdotq_s32(l0, x, vld1q_s8(q->lo + i));
            h1 = vdotq_s32(h1, y, vld1q_s8(q->hi + i + 16));
            l1 = vdotq_s32(l1, y, vld1q_s8(q->lo + i + 16));
        }
        h0 = vshlq_n_s32(vaddq_s32(h0, h1), 7);
        out[r] = vaddvq_s32(vaddq_s32(h0, vaddq_s32(l0, l1)));
    }
}

scan_dots_fn *ward_scan_neondot(void)
{
    return (getauxval(AT_HWCAP) & HWCAP_ASIMDDP) != 0 ? dots_dotprod : NULL;
}

scan_dots_fn *ward_scan_neon(void)
{
    return dots; /* every ARMv8-A processor has NEON */
}

#else

scan_dots_fn *ward_scan_neondot(void)
{
    return NULL;
}

scan_dots_fn *ward_scan_neon(void)
{
    return NULL;
}

#endif
