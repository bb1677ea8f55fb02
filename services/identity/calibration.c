#include "services/identity/calibration.h"

#include "common/base/arena.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <yajl/yajl_tree.h>

#define FILE_MAX ((size_t)CALIBRATION_FILE_MAX)

#define UNFIT(err, ...)                                                                        \
    WARD_FAIL_REASON(err, FAILED_PRECONDITION, "CALIBRATION_UNFIT", __VA_ARGS__)

static yajl_val field(yajl_val v, const char *key)
{
    return yajl_tree_get(v, (const char *[]){key, NULL}, yajl_t_any);
}

static enum ward_code text(yajl_val v, const char *key, char *out, size_t cap,
                           struct ward_err *err)
{
    const char *s = YAJL_GET_STRING(field(v, key));

    if (s == NULL || *s == '\0' || strlen(s) >= cap)
        return UNFIT(err, "calibration: %s must be a text of 1 to %zu bytes", key, cap - 1);
    memcpy(out, s, strlen(s) + 1);
    return WARD_OK;
}

static enum ward_code count(yajl_val v, const char *key, int64_t *out, struct ward_err *err)
{
    yajl_val n = field(v, key);

    if (!YAJL_IS_INTEGER(n) || YAJL_GET_INTEGER(n) < 1)
        return UNFIT(err, "calibration: %s must be a whole number above 0", key);
    *out = YAJL_GET_INTEGER(n);
    return WARD_OK;
}

/* NaN, which no range holds, for what is no number. */
static double number(yajl_val v, const char *key)
{
    yajl_val n = field(v, key);

    return YAJL_IS_DOUBLE(n) ? YAJL_GET_DOUBLE(n) : NAN;
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

static enum ward_code points(yajl_val v, struct calibration *c, struct ward_err *err)
{
    yajl_val list = field(v, "points");

    if (!YAJL_IS_ARRAY(list) || list->u.array.len < 2 ||
        list->u.array.len > CALIBRATION_POINTS_MAX)
        return UNFIT(err, "calibration: 2 to %d points are needed", CALIBRATION_POINTS_MAX);
    c->n = (int)list->u.array.len;
    for (int i = 0; i < c->n; i++) {
        yajl_val row = list->u.array.values[i];

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

static enum ward_code read_all(yajl_val v, struct calibration *c, struct ward_err *err)
{
    WARD_TRY(text(v, "model_sha256", c->model_sha256, sizeof(c->model_sha256), err));
    if (strspn(c->model_sha256, "0123456789abcdef") != sizeof(c->model_sha256) - 1)
        return UNFIT(err, "calibration: model_sha256 must be 64 hex digits");
    WARD_TRY(text(v, "source", c->source, sizeof(c->source), err));
    WARD_TRY(text(v, "date", c->date, sizeof(c->date), err));
    WARD_TRY(count(v, "n_genuine", &c->n_genuine, err));
    WARD_TRY(count(v, "n_impostor", &c->n_impostor, err));
    return points(v, c, err);
}

static enum ward_code parse(const char *json, const char *model_sha256, struct calibration *out,
                            struct ward_err *err)
{
    struct calibration c = {.n = 0};
    enum ward_code code;
    yajl_val v = yajl_tree_parse(json, NULL, 0);

    if (!YAJL_IS_OBJECT(v)) {
        yajl_tree_free(v);
        return UNFIT(err, "calibration: not a JSON object");
    }
    code = read_all(v, &c, err);
    yajl_tree_free(v);
    WARD_TRY(code);
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
    char *copy;

    if (n > FILE_MAX || memchr(json, '\0', n) != NULL)
        return UNFIT(err, "calibration: not a text of at most %zu bytes", FILE_MAX);
    ward_arena_init(&mem, FILE_MAX + 1024);
    copy = ward_alloc(&mem, n + 1); /* yajl wants an end */
    if (copy != NULL)
        memcpy(copy, json, n);
    code = copy == NULL ? WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for a calibration")
                        : parse(copy, model_sha256, out, err);
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
