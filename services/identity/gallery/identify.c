#include "services/identity/gallery/identify.h"

#include "common/base/crypto.h"
#include "common/base/text.h"
#include "services/identity/api.h"
#include "services/identity/subject/subject.h"

#include <math.h>
#include <string.h>

const char *identify_outcome_name(enum identify_outcome o)
{
    static const char *const names[] = {"", "MATCH", "AMBIGUOUS", "NO_MATCH", "UNUSABLE"};

    return names[o];
}

/* Uses expm1 and log1p, because 1 - (1 - x) would lose all digits at a million subjects. */
double identify_fmr(double fpir, int64_t n)
{
    return -expm1(log1p(-fpir) / (double)(n < 1 ? 1 : n));
}

/* ---- the decision ---- */

static double above(const struct identified *x, const struct likeness *l)
{
    return l->hit.score - x->by[l->which].threshold;
}

static double margin_of(const struct identified *x)
{
    return x->by[x->n_found == 0 ? 0 : x->found[0].which].margin;
}

int identify_by(const struct identified *x)
{
    return x->n_found == 0 ? 0 : x->found[0].which;
}

void identify_decide(struct identified *x)
{
    x->n = 0;
    if (x->gate != USABLE) {
        x->outcome = IDENTIFY_UNUSABLE;
        return;
    }
    if (x->n_found == 0 || above(x, &x->found[0]) < 0) {
        x->outcome = IDENTIFY_NO_MATCH;
        return;
    }
    for (int i = 0; i < x->n_found && x->n < IDENTIFY_MOST; i++) {
        double over = above(x, &x->found[i]);

        if (over < 0 && above(x, &x->found[0]) - over >= margin_of(x))
            break;
        x->n++;
    }
    x->outcome = x->n == 1 ? IDENTIFY_MATCH : IDENTIFY_AMBIGUOUS;
}

/* Sorts hits by their distance above the threshold of their model. */
static void sort(struct identified *x)
{
    for (int i = 1; i < x->n_found; i++) {
        struct likeness l = x->found[i];
        int at = i;

        for (; at > 0 && above(x, &x->found[at - 1]) < above(x, &l); at--)
            x->found[at] = x->found[at - 1];
        x->found[at] = l;
    }
}

/* ---- thresholds ---- */

/* Rounds down to a power of ten. With arbitrary values, callers could measure scores. */
static double whole_step(double fpir)
{
    double step = 1e-1;

    for (; step > fpir * (1 + 1e-6); step /= 10)
        continue;
    return step < fpir ? step : fpir;
}

/* The threshold for mixed people at rate fmr, but never below the threshold of Verify for the
 * same use. */
static enum ward_code threshold_of(const struct calibration *cal, double fmr, double verify_fmr,
                                   struct looking *out, struct ward_err *err)
{
    double least = 0;
    bool beyond;

    WARD_TRY(calibration_threshold(cal, fmr, &out->threshold, &out->extrapolated, err));
    WARD_TRY(calibration_verify(cal, verify_fmr, &least, &beyond, err));
    out->threshold = fmax(out->threshold, least);
    out->margin = calibration_margin(cal, fmr);
    return WARD_OK;
}

static enum ward_code thresholds(struct ward_call *c, const struct identify_want *want,
                                 struct identified *x)
{
    const struct identity *id = ((struct worker *)c->wrk)->id;
    double fpir = whole_step(want->max_fpir == 0 ? FPIR_DEFAULT : want->max_fpir);

    x->fmr = identify_fmr(fpir, x->size);
    if (x->fmr > want->policy->max_fmr)
        x->fmr = want->policy->max_fmr;
    for (int i = 0; i < (id->former.pack == NULL ? 1 : 2); i++) {
        const struct calibration *cal = i == 0 ? &id->now.calibration : &id->former.calibration;

        WARD_TRY(threshold_of(cal, x->fmr, want->policy->max_fmr, &x->by[i], c->err));
    }
    return WARD_OK;
}

/* ---- looking ---- */

static enum ward_code search_with(struct ward_call *c, const struct identify_want *want,
                                  int which, const float *v, struct identified *x)
{
    struct worker *w = c->wrk;
    struct ward_stop stop = api_stop(c);
    struct gallery_found found;

    WARD_TRY(gallery_search(w->id->gallery, w->db, want->gallery, which, v, IDENTIFY_HITS, NULL,
                            &stop, c->mem, &found, c->err));
    for (int i = 0; i < found.n; i++)
        x->found[x->n_found++] = (struct likeness){found.hit[i], which};
    x->size += found.size;
    if (which == 0 || found.seq < x->seq)
        x->seq = found.seq;
    return WARD_OK;
}

/* Searches with the former model for subjects who have no template of the current model. */
static enum ward_code search_former(struct ward_call *c, const struct identify_want *want,
                                    struct identified *x)
{
    struct worker *w = c->wrk;
    struct ward_stop stop = api_stop(c);
    struct photo *p = &x->photo;
    struct face face = {0};
    enum ward_code code;

    if (w->former == NULL || gallery_rows(w->id->gallery, 1) == 0)
        return WARD_OK;
    WARD_TRY(face_locate(w->former, c->mem, &stop, &p->im, &p->box, &face, c->err));
    WARD_TRY(face_embed(w->former, c->mem, &stop, &p->im, &face, c->err));
    code = search_with(c, want, 1, face.embedding, x);
    ward_wipe(face.embedding, sizeof(face.embedding));
    return code;
}

static enum ward_code look(struct ward_call *c, const struct identify_want *want,
                           struct identified *x)
{
    struct ward_stop stop = api_stop(c);
    struct photo_want how = {.largest_only = want->largest_only,
                             .passive = want->policy->liveness == LIVENESS_PASSIVE};
    enum ward_code code = WARD_OK;

    WARD_TRY(
        photo_read(c->wrk, c->mem, &stop, want->photograph, want->n, &how, &x->photo, c->err));
    x->shown = (struct liveness_shown){.passive = x->photo.passive, .attended = want->attended};
    x->gate = x->photo.gate;
    if (x->gate == USABLE)
        x->gate = liveness_gate(want->policy->liveness, &x->shown);
    if (x->gate == USABLE)
        code = search_with(c, want, 0, x->photo.face.embedding, x);
    if (x->gate == USABLE && code == WARD_OK)
        code = search_former(c, want, x);
    ward_wipe(x->photo.face.embedding, sizeof(x->photo.face.embedding));
    return code;
}

static enum ward_code check(struct ward_call *c, const struct identify_want *want)
{
    const struct worker *w = c->wrk;
    double fpir = want->max_fpir;

    if (!gallery_is_name(want->gallery))
        return WARD_FAIL_FIELD(c->err, "gallery",
                               "must be patients, staff, all, ward/... or clinic/...");
    if (fpir != 0 && !(fpir >= 1e-4 && fpir <= 1e-1))
        return WARD_FAIL_FIELD(c->err, "max_fpir", "must be 0, or 1e-4 to 1e-1");
    return gallery_known(w->id->gallery, want->gallery, c->err);
}

enum ward_code identify_face(struct ward_call *c, const struct identify_want *want,
                             struct identified *out)
{
    const struct worker *w = c->wrk;

    *out = (struct identified){.gate = USABLE, .barred = ""};
    WARD_TRY(check(c, want));
    WARD_TRY(look(c, want, out));
    /* The search was skipped, but the answer's threshold still depends on the gallery's
     * size. */
    if (out->gate != USABLE) {
        struct gallery_state s;

        gallery_state(w->id->gallery, &s);
        out->size = gallery_size(w->id->gallery, want->gallery);
        out->seq = s.seq;
    }
    WARD_TRY(thresholds(c, want, out));
    sort(out);
    identify_decide(out);
    return WARD_OK;
}

/* ---- the second check, in the transaction ---- */

static enum ward_code may_be_found(struct ward_call *c, struct ward_db *db,
                                   const struct gallery_hit *h, bool *may, const char **barred,
                                   struct ward_err *err)
{
    static const char SQL[] =
        "SELECT COALESCE(s.birth_year, 0) FROM face_key k"
        " JOIN subject s ON s.subject_id = k.subject_id"
        " JOIN consent_entry c ON c.subject_id = k.subject_id"
        " WHERE k.subject_id = ? AND c.purpose = ? AND c.withdrawn_at_us IS NULL"
        " LOCK IN SHARE MODE";
    const struct identity *id = ((struct worker *)c->wrk)->id;
    struct ward_err why = {0};
    struct ward_rows rows;
    int64_t born = 0;

    WARD_TRY(ward_db_run(
        db, c->mem, SQL,
        WARD_PARAMS(ward_blob(h->subject_id, KEYS_ID), ward_text(purpose_of_search(h->kind))),
        &rows, err));
    *may = rows.n > 0;
    *barred = "";
    if (!*may)
        return WARD_OK;
    if (!ward_i64(rows.at[0][0].p, 0, 9999, &born))
        return WARD_FAIL(err, DATA_LOSS, "the row of a subject is invalid");
    *may = face_of_age(id, h->kind, (int)born, &why) == WARD_OK &&
           face_needs_age(h->kind, (int)born, &why) == WARD_OK;
    if (!*may)
        *barred = strcmp(why.reason, BIRTH_YEAR_NEEDED) == 0 ? BIRTH_YEAR_NEEDED
                                                             : FACE_NOT_FOR_CHILDREN;
    return WARD_OK;
}

/* Checks only subjects whose removal could change the answer. */
enum ward_code identify_again(struct ward_call *c, struct ward_db *db, struct identified *x,
                              struct ward_err *err)
{
    double margin = margin_of(x);
    int kept = 0;

    x->barred = "";
    if (x->gate != USABLE)
        return WARD_OK;
    for (int i = 0; i < x->n_found; i++) {
        const char *barred = "";
        bool may = true;

        if (above(x, &x->found[i]) >= -margin)
            WARD_TRY(may_be_found(c, db, &x->found[i].hit, &may, &barred, err));
        if (kept == 0 && *x->barred == '\0' && above(x, &x->found[i]) >= 0)
            x->barred = barred;
        if (may)
            x->found[kept++] = x->found[i];
    }
    x->n_found = kept;
    identify_decide(x);
    return WARD_OK;
}
