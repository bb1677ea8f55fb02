/* degrade.h - photographs made worse on purpose, and simulated attacks. Everything made here is
 * simulated and whoever prints a figure of it says so.
 *
 * Threads: pure. Memory: the arena; NULL pixels when it is full. Errors: none else. */
#ifndef WARD_BENCH_DEGRADE_H
#define WARD_BENCH_DEGRADE_H

#include "services/identity/face/face.h"

struct pixels degrade_blur(const struct pixels *im, double sigma_px, struct ward_arena *mem);
struct pixels degrade_gamma(const struct pixels *im, double gamma, struct ward_arena *mem);
/* Every value times k, cut at 255. */
struct pixels degrade_gain(const struct pixels *im, double k, struct ward_arena *mem);
struct pixels degrade_turn(const struct pixels *im, double degrees, struct ward_arena *mem);
struct pixels degrade_mirror(const struct pixels *im, struct ward_arena *mem);
/* The part [x, x + w) x [y, y + h). */
struct pixels degrade_crop(const struct pixels *im, int x, int y, int w, int h,
                           struct ward_arena *mem);

/* What is no plain photograph any more: retone.c. */
struct pixels degrade_negative(const struct pixels *im, bool colour, struct ward_arena *mem);
struct pixels degrade_tones(const struct pixels *im, int n, struct ward_arena *mem); /* greys */
struct pixels degrade_edges(const struct pixels *im, bool on_white, struct ward_arena *mem);
struct pixels degrade_dots(const struct pixels *im,
                           struct ward_arena *mem); /* black and white */
/* To the right, times 90 degrees. */
struct pixels degrade_quarter(const struct pixels *im, int times, struct ward_arena *mem);

/* Covers a located face. */
enum cover { COVER_MASK, COVER_GLASSES, COVER_HALF, COVER_HAND, COVER_N };
extern const char *const cover_names[COVER_N];
struct pixels degrade_cover(const struct pixels *im, const struct face *f, enum cover what,
                            unsigned seed, struct ward_arena *mem);
/* Lids over both eyes, in the colour of the skin below them. */
struct pixels degrade_lids(const struct pixels *im, const struct face *f,
                           struct ward_arena *mem);

/* The photograph shown to another camera: on paper or on a screen, tilted a little, with a
 * border, less sharp, with the medium's colours and, for a screen, its grid. */
enum attack { ATTACK_PRINT, ATTACK_SCREEN, ATTACK_N };
extern const char *const attack_names[ATTACK_N];
struct pixels degrade_attack(const struct pixels *im, enum attack what, unsigned seed,
                             struct ward_arena *mem);

#endif
