/* steps_own.h - declarations that the files of steps/ share. Threads, memory, errors: as in
 * steps.h. */
#ifndef DIAGNOSIS_STEPS_STEPS_OWN_H
#define DIAGNOSIS_STEPS_STEPS_OWN_H

#include "services/diagnosis/steps/steps.h"

/* The channel that the steps work on. A step that cannot work in place writes to `spare`, then
 * swaps the two. */
struct plane {
    int w, h;
    float *px, *spare; /* `cap` values each; `spare` is NULL until a step needs it */
    size_t cap;
    struct ward_arena *mem;
    const struct ward_stop *stop;
    struct ward_err *err;
};

/* CANCELLED or DEADLINE_EXCEEDED if the run must stop. Called once for each row. */
WARD_MUST enum ward_code plane_go_on(const struct plane *p);
/* Allocates `spare` for a step's result. */
WARD_MUST enum ward_code plane_spare(struct plane *p);
void plane_swap(struct plane *p);

/* ---- geometry.c ---- */

WARD_MUST enum ward_code plane_crop(struct plane *p, const struct step *s);
WARD_MUST enum ward_code plane_resize(struct plane *p, const struct step *s);
WARD_MUST enum ward_code plane_rotate(struct plane *p, const struct step *s);

/* ---- filter.c, clahe.c ---- */

WARD_MUST enum ward_code plane_median(struct plane *p, const struct step *s);
WARD_MUST enum ward_code plane_gaussian(struct plane *p, const struct step *s);
WARD_MUST enum ward_code plane_clahe(struct plane *p, const struct step *s);

/* ---- window.c ---- */

/* Converts values to 0..255 with a window. */
void plane_window(struct plane *p, const struct window *w);
/* Scales values to 0..255, from the lowest to the highest value. */
void plane_stretch(struct plane *p);

#endif
