#include "services/identity/calibration.h"

#include "common/json/json.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define FILE_MAX  ((size_t)CALIBRATION_FILE_MAX)
#define ARENA_CAP (32 * FILE_MAX) /* for the values of such a text, however small they are */

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

/* A file that does not say from which age on it holds was not measured on children. */
static enum ward_code age(const struct ward_json *v, int *out, struct ward_err *err)
{
    const struct ward_json *given = ward_json_get(v, "least_age");
    int64_t n = CALIBRATION_LEAST_AGE;

    if (given != NULL && (!ward_json_i64(given, &n) || n < 0 || n > 120))
        return UNFIT(err, "calibration: least_age must be a whole number, 0 to 120");
    *out = (int)n;
    return WARD_OK;
}

/* NaN, which no range holds, for what is no number. */
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

/* A stricter threshold matches fewer: a table that says otherwise was not measured. */
static bool stricter(const struct operating_point *p, const struct operating_point *than)
{
    return p->fmr < than->fmr && p->threshold > than->threshold && p->tar <= than->tar;
}

static enum ward_code points(const struct ward_json *v, struct calibration *c,
                             struct ward_err *err)
{
    const struct ward_json *list = ward_json_get(v, "points"), *row;
    int i = 0;

    if (!ward_json_is(list, WARD_JSON_ARRAY) || list->count < 2 ||
        list->count > CALIBRATION_POINTS_MAX)
        return UNFIT(err, "calibration: 2 to %d points are needed", CALIBRATION_POINTS_MAX);
    c->n = (int)list->count;
    for (row = list->first; row != NULL; row = row->next, i++) {
        c->at[i] = (struct operating_point){number(row, "fmr"), number(row, "threshold"),
                                            number(row, "tar")};
        if (!in_range(&c->at[i]))
            return UNFIT(err, "calibration: point %d is out of range", i + 1);
        if (i > 0 && !stricter(&c->at[i], &c->at[i - 1]))
            return UNFIT(err, "calibration: point %d is not stricter than the one before",
                         i + 1);
    }
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
    return points(v, c, err);
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
        return WARD_FAIL(err, NOT_FOUND, "no calibration file can be read at %s", path);
    n = fread(bytes, 1, sizeof(bytes), f);
    bad = ferror(f) != 0;
    fclose(f);
    if (bad)
        return WARD_FAIL(err, NOT_FOUND, "no calibration file can be read at %s", path);
    return calibration_parse(bytes, n, model_sha256, out, err);
}

/* On straight lines in the rate's logarithm, the first and the last without an end. */
static double on_line(const struct calibration *cal, double fmr)
{
    const struct operating_point *a, *b;
    int i = 1;

    while (i < cal->n - 1 && cal->at[i].fmr > fmr)
        i++;
    a = &cal->at[i - 1];
    b = &cal->at[i];
    return a->threshold +
           (b->threshold - a->threshold) * log10(fmr / a->fmr) / log10(b->fmr / a->fmr);
}

enum ward_code calibration_threshold(const struct calibration *cal, double fmr,
                                     double *threshold, bool *extrapolated,
                                     struct ward_err *err)
{
    if (!(fmr > 0 && fmr < 1)) /* NaN fails this too */
        return WARD_FAIL(err, INVALID_ARGUMENT, "a false-match rate lies between 0 and 1");
    *threshold = fmin(1, fmax(cal->at[0].threshold, on_line(cal, fmr)));
    *extrapolated = fmr < cal->at[cal->n - 1].fmr;
    return WARD_OK;
}

double calibration_margin(const struct calibration *cal, double fmr)
{
    return on_line(cal, fmr) - on_line(cal, 10 * fmr);
}
