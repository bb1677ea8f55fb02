#include "services/identity/calibration.h"

#include "common/json/json.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define FILE_MAX  ((size_t)CALIBRATION_FILE_MAX)
#define ARENA_CAP (32 * FILE_MAX) /* memory for the parsed values of a file of maximum size */

#define UNFIT(err, ...)                                                                        \
    WARD_FAIL_REASON(err, FAILED_PRECONDITION, "CALIBRATION_UNFIT", __VA_ARGS__)

static enum ward_code text(const struct ward_json *v, const char *key, char *out, size_t cap,
                           struct ward_err *err)
{
    const char *s = ward_json_string(ward_json_get(v, key));

    if (s == NULL || *s == '\0' || strlen(s) >= cap)
        return UNFIT(err, "calibration: %s must be a text of 1 to %zu bytes", key, cap - 1);
    memcpy(out, s, strlen(s) + 1);
    return WARD_OK;
}

static enum ward_code count(const struct ward_json *v, const char *key, int64_t *out,
                            struct ward_err *err)
{
    int64_t n = 0;

    if (!ward_json_i64(ward_json_get(v, key), &n) || n < 1)
        return UNFIT(err, "calibration: %s must be a whole number above 0", key);
    *out = n;
    return WARD_OK;
}

/* Reads "least_age". A file without this member was not measured on children, and the default
 * age applies. */
static enum ward_code age(const struct ward_json *v, int *out, struct ward_err *err)
{
    const struct ward_json *given = ward_json_get(v, "least_age");
    int64_t n = CALIBRATION_LEAST_AGE;

    if (given != NULL && (!ward_json_i64(given, &n) || n < 0 || n > 120))
        return UNFIT(err, "calibration: least_age must be a whole number, 0 to 120");
    *out = (int)n;
    return WARD_OK;
}

/* Returns NaN, which is in no range, if the value is not a number. */
static double number(const struct ward_json *v, const char *key)
{
    double n = NAN;

    return ward_json_f64(ward_json_get(v, key), &n) ? n : NAN;
}

static bool in_range(const struct operating_point *p)
{
    return p->fmr > 0 && p->fmr < 1 && p->threshold >= -1 && p->threshold <= 1 && p->tar >= 0 &&
           p->tar <= 1;
}

/* A stricter threshold matches fewer pairs: a table that contradicts this is invalid. */
static bool stricter(const struct operating_point *p, const struct operating_point *than)
{
    return p->fmr < than->fmr && p->threshold > than->threshold && p->tar <= than->tar;
}

static enum ward_code points(const struct ward_json *v, const char *key,
                             struct operating_point at[CALIBRATION_POINTS_MAX], int *n,
                             struct ward_err *err)
{
    const struct ward_json *list = ward_json_get(v, key), *row;
    int i = 0;

    if (!ward_json_is(list, WARD_JSON_ARRAY) || list->count < 2 ||
        list->count > CALIBRATION_POINTS_MAX)
        return UNFIT(err, "calibration: %s must be 2 to %d points", key,
                     CALIBRATION_POINTS_MAX);
    for (row = list->first; row != NULL; row = row->next, i++) {
        at[i] = (struct operating_point){number(row, "fmr"), number(row, "threshold"),
                                         number(row, "tar"), 0};
        if (!in_range(&at[i]))
            return UNFIT(err, "calibration: %s: point %d is out of range", key, i + 1);
        if (i > 0 && !stricter(&at[i], &at[i - 1]))
            return UNFIT(err,
                         "calibration: %s: point %d is not stricter than the previous point",
                         key, i + 1);
    }
    *n = (int)list->count;
    return WARD_OK;
}

/* Reads "mixed". Without this member, "points" serves for both uses. */
static enum ward_code mixed(const struct ward_json *v, struct calibration *c,
                            struct ward_err *err)
{
    if (ward_json_get(v, "mixed") != NULL)
        return points(v, "mixed", c->mixed, &c->n_mixed, err);
    memcpy(c->mixed, c->at, sizeof(c->mixed));
    c->n_mixed = c->n;
    return WARD_OK;
}

/* Reads one group: for each point the number of its matching pairs. A stricter point must not
 * have more. */
static enum ward_code group(const struct ward_json *v, struct calibration *c,
                            struct ward_err *err)
{
    const struct ward_json *list = ward_json_get(v, "matched"), *row;
    int64_t pairs = 0, before = INT64_MAX;
    char name[64];
    int i = 0;

    WARD_TRY(text(v, "name", name, sizeof(name), err));
    WARD_TRY(count(v, "pairs", &pairs, err));
    if (!ward_json_is(list, WARD_JSON_ARRAY) || list->count != (size_t)c->n)
        return UNFIT(err, "calibration: matched must have a number for each point");
    for (row = list->first; row != NULL; row = row->next, i++) {
        int64_t n = 0;

        if (!ward_json_i64(row, &n) || n < 0 || n > pairs || n > before)
            return UNFIT(
                err,
                "calibration: matched must be numbers of pairs that fall from point to point");
        c->at[i].worst = fmax(c->at[i].worst, (double)n / (double)pairs);
        before = n;
    }
    return WARD_OK;
}

static enum ward_code groups(const struct ward_json *v, struct calibration *c,
                             struct ward_err *err)
{
    const struct ward_json *list = ward_json_get(v, "groups"), *row;

    if (list == NULL)
        return WARD_OK;
    if (!ward_json_is(list, WARD_JSON_ARRAY) || list->count < 1 ||
        list->count > CALIBRATION_GROUPS_MAX)
        return UNFIT(err, "calibration: groups must be 1 to %d", CALIBRATION_GROUPS_MAX);
    for (row = list->first; row != NULL; row = row->next)
        WARD_TRY(group(row, c, err));
    c->n_groups = (int)list->count;
    return WARD_OK;
}

static enum ward_code read_all(const struct ward_json *v, struct calibration *c,
                               struct ward_err *err)
{
    WARD_TRY(text(v, "model_sha256", c->model_sha256, sizeof(c->model_sha256), err));
    if (strspn(c->model_sha256, "0123456789abcdef") != sizeof(c->model_sha256) - 1)
        return UNFIT(err, "calibration: model_sha256 must be 64 hex digits");
    WARD_TRY(text(v, "source", c->source, sizeof(c->source), err));
    WARD_TRY(text(v, "date", c->date, sizeof(c->date), err));
    WARD_TRY(count(v, "n_genuine", &c->n_genuine, err));
    WARD_TRY(count(v, "n_impostor", &c->n_impostor, err));
    WARD_TRY(age(v, &c->least_age, err));
    WARD_TRY(points(v, "points", c->at, &c->n, err));
    WARD_TRY(mixed(v, c, err));
    return groups(v, c, err);
}

static enum ward_code parse(const char *json, size_t n, const char *model_sha256,
                            struct ward_arena *mem, struct calibration *out,
                            struct ward_err *err)
{
    struct calibration c = {.n = 0};
    const struct ward_json *v = NULL;

    if (ward_json_parse(json, n, NULL, mem, &v, NULL) != WARD_OK ||
        !ward_json_is(v, WARD_JSON_OBJECT))
        return UNFIT(err, "calibration: not a JSON object");
    WARD_TRY(read_all(v, &c, err));
    if (model_sha256 != NULL && strcmp(c.model_sha256, model_sha256) != 0)
        return WARD_FAIL_REASON(err, FAILED_PRECONDITION, "CALIBRATION_OTHER_MODEL",
                                "the calibration was measured with another embedding model");
    *out = c;
    return WARD_OK;
}

enum ward_code calibration_parse(const char *json, size_t n, const char *model_sha256,
                                 struct calibration *out, struct ward_err *err)
{
    struct ward_arena mem;
    enum ward_code code;

    if (n > FILE_MAX)
        return UNFIT(err, "calibration: not a text of at most %zu bytes", FILE_MAX);
    ward_arena_init(&mem, ARENA_CAP);
    code = parse(json, n, model_sha256, &mem, out, err);
    ward_arena_done(&mem);
    return code;
}

enum ward_code calibration_load(const char *path, const char *model_sha256,
                                struct calibration *out, struct ward_err *err)
{
    char bytes[FILE_MAX + 1];
    FILE *f = fopen(path, "re");
    size_t n;
    bool bad;

    if (f == NULL)
        return WARD_FAIL(err, NOT_FOUND, "cannot read a calibration file at %s", path);
    n = fread(bytes, 1, sizeof(bytes), f);
    bad = ferror(f) != 0;
    fclose(f);
    if (bad)
        return WARD_FAIL(err, NOT_FOUND, "cannot read a calibration file at %s", path);
    return calibration_parse(bytes, n, model_sha256, out, err);
}

/* Interpolates the threshold linearly in the logarithm of the rate. Outside the table, the
 * first or last segment is extended. */
static double on_line(const struct operating_point *at, int n, double fmr)
{
    const struct operating_point *a, *b;
    int i = 1;

    while (i < n - 1 && at[i].fmr > fmr)
        i++;
    a = &at[i - 1];
    b = &at[i];
    return a->threshold +
           (b->threshold - a->threshold) * log10(fmr / a->fmr) / log10(b->fmr / a->fmr);
}

static enum ward_code threshold_by(const struct operating_point *at, int n, double fmr,
                                   double *threshold, bool *extrapolated, struct ward_err *err)
{
    if (!(fmr > 0 && fmr < 1)) /* NaN fails this check too */
        return WARD_FAIL(err, INVALID_ARGUMENT, "a false match rate must be between 0 and 1");
    *threshold = fmin(1, fmax(at[0].threshold, on_line(at, n, fmr)));
    *extrapolated = fmr < at[n - 1].fmr;
    return WARD_OK;
}

enum ward_code calibration_threshold(const struct calibration *cal, double fmr,
                                     double *threshold, bool *extrapolated,
                                     struct ward_err *err)
{
    return threshold_by(cal->mixed, cal->n_mixed, fmr, threshold, extrapolated, err);
}

enum ward_code calibration_verify(const struct calibration *cal, double fmr, double *threshold,
                                  bool *extrapolated, struct ward_err *err)
{
    return threshold_by(cal->at, cal->n, fmr, threshold, extrapolated, err);
}

double calibration_margin(const struct calibration *cal, double fmr)
{
    return on_line(cal->mixed, cal->n_mixed, fmr) - on_line(cal->mixed, cal->n_mixed, 10 * fmr);
}

/* Checks only rates from 1e-4 on: at 1e-5 and below, no group has enough pairs. */
const char *calibration_warning(const struct calibration *cal)
{
    if (cal->n_groups == 0)
        return "the calibration measured no groups of people: within a group of one age, sex "
               "and origin the false-match rate is higher than the requested rate";
    for (int i = 0; i < cal->n; i++)
        if (cal->at[i].fmr >= 1e-4 * (1 - 1e-6) &&
            cal->at[i].worst > CALIBRATION_GROUP_FACTOR * cal->at[i].fmr)
            return "this face pack exceeds the requested false-match rate: within some groups "
                   "of adults false matches are more than ten times as frequent as stated "
                   "(docs/models.md); do not rely on this face pack alone";
    return "";
}
