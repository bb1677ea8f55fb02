/* GetSeries: returns counts for a dashboard. */
#include "services/records/analytics/series.h"
#include "services/records/api.h"

#include "common/base/clock.h"

#include <stdlib.h>
#include <string.h>

typedef Ward__Records__V1__GetSeriesRequest SeriesRequest;
typedef Ward__Records__V1__GetSeriesResponse SeriesResponse;
typedef Ward__Records__V1__Series Series;
typedef Ward__Records__V1__Point Point;

#define MEASURE(x)   WARD__RECORDS__V1__MEASURE__MEASURE_##x
#define OF(x)        WARD__RECORDS__V1__OF__OF_##x
#define BY(x)        WARD__RECORDS__V1__BY__BY_##x
#define TEXT_MAX     256
#define TEN_YEARS_US (INT64_C(3660) * 86400 * 1000000)

struct asked {
    struct ward_call *call;
    struct worker *w;
    struct ward_event event;
    struct query q;
    struct table t;
};

static enum ward_code no_memory(struct ward_call *c)
{
    return WARD_FAIL(c->err, RESOURCE_EXHAUSTED, "no memory for the counts");
}

/* ---- the request ---- */

static bool is_one(const ProtobufCEnumDescriptor *d, int value)
{
    return value != 0 && protobuf_c_enum_descriptor_get_value(d, value) != NULL;
}

static enum ward_code read_by(struct ward_call *c, const SeriesRequest *req, struct query *q)
{
    if (req->n_by < 1 || req->n_by > 2)
        return WARD_FAIL_FIELD(c->err, "by", "must be one or two");
    q->n_by = (int)req->n_by;
    for (int i = 0; i < q->n_by; i++) {
        if (!is_one(&ward__records__v1__by__descriptor, (int)req->by[i]))
            return WARD_FAIL_FIELD(c->err, "by", "is not a known value");
        q->by[i] = req->by[i];
        if (q->of == OF(PATIENTS) && (q->by[i] == BY(CODE) || q->by[i] == BY(WARD)))
            return WARD_FAIL_FIELD(c->err, "by", "patients have neither a code nor a ward");
    }
    if (q->n_by == 2 && q->by[0] == q->by[1])
        return WARD_FAIL_FIELD(c->err, "by", "has the same value twice");
    return WARD_OK;
}

/* Reads the zone's clock changes in the requested time. A request without an end is read up to
 * ten years from now. */
static enum ward_code read_zone(struct ward_call *c, const char *name, struct query *q)
{
    const int64_t until = q->to_us != 0 ? q->to_us : ward_wall_us() + TEN_YEARS_US;
    struct ward_zone *zone;

    if (ward_zone_open(*name == '\0' ? "UTC" : name, &zone, c->err) != WARD_OK)
        return WARD_FAIL_FIELD(c->err, "time_zone", "is not a known time zone");
    q->n_zone = ward_zone_changes(zone, q->from_us != 0 ? q->from_us : INT64_MIN / 2, until,
                                  q->zone, ZONE_CHANGES);
    ward_zone_close(zone);
    if (q->n_zone == 0)
        return WARD_FAIL_FIELD(c->err, "to_us", "is too far from from_us for this time zone");
    return WARD_OK;
}

static enum ward_code read_filters(struct ward_call *c, const SeriesRequest *req,
                                   struct query *q)
{
    if (strlen(req->code) > TEXT_MAX)
        return WARD_FAIL_FIELD(c->err, "code", "is above 256 bytes");
    if (strlen(req->ward) > TEXT_MAX)
        return WARD_FAIL_FIELD(c->err, "ward", "is above 256 bytes");
    if (q->of == OF(PATIENTS) && *req->code != '\0')
        return WARD_FAIL_FIELD(c->err, "code", "must be empty for patients");
    if (q->of == OF(PATIENTS) && *req->ward != '\0')
        return WARD_FAIL_FIELD(c->err, "ward", "must be empty for patients");
    if (req->from_us != 0 && req->to_us != 0 && req->from_us >= req->to_us)
        return WARD_FAIL_FIELD(c->err, "to_us", "must be after from_us");
    q->code = req->code;
    q->ward = req->ward;
    q->from_us = req->from_us;
    q->to_us = req->to_us;
    return read_zone(c, req->time_zone, q);
}

static enum ward_code read_request(struct ward_call *c, const SeriesRequest *req,
                                   struct query *q)
{
    if (!is_one(&ward__records__v1__measure__descriptor, (int)req->measure))
        return WARD_FAIL_FIELD(c->err, "measure", "is not a known value");
    if (!is_one(&ward__records__v1__of__descriptor, (int)req->of))
        return WARD_FAIL_FIELD(c->err, "of", "is not a known value");
    if (req->most < 0 || req->most > SERIES_MOST)
        return WARD_FAIL_FIELD(c->err, "most", "must be 0 to %d", SERIES_MOST);
    q->measure = req->measure;
    q->of = req->of;
    q->now_us = ward_wall_us();
    if (q->measure == MEASURE(VALUES) && q->of != OF(OBSERVATIONS))
        return WARD_FAIL_FIELD(c->err, "of", "only observations have values");
    if (q->measure == MEASURE(VALUES) && *req->code == '\0')
        return WARD_FAIL_FIELD(c->err, "code", "is required for values");
    WARD_TRY(read_by(c, req, q));
    return read_filters(c, req, q);
}

/* ---- the answer ---- */

/* A row of the table. The row's cells are adjacent, in the order of the columns. */
struct row {
    const struct cell *first;
    size_t n;
    int64_t count;
};

static int by_place(const void *a, const void *b)
{
    const struct cell *x = a, *y = b;

    if (x->row != y->row)
        return x->row < y->row ? -1 : 1;
    return x->column < y->column ? -1 : x->column > y->column;
}

/* Sorts by published values, because the order of the exact values would reveal more.
 * Suppressed cells count 0. */
static int largest_first(const void *a, const void *b)
{
    const struct row *x = a, *y = b;

    if (x->count != y->count)
        return x->count > y->count ? -1 : 1;
    return x->first->row < y->first->row ? -1 : x->first->row > y->first->row;
}

static Point *point_of(const struct asked *x, const struct cell *c, int dimension)
{
    Point *p = ward_new(x->call->mem, Point);

    if (p == NULL)
        return NULL;
    ward__records__v1__point__init(p);
    p->key = api_text(c->key[dimension]);
    p->suppressed = c->hidden;
    if (c->hidden)
        return p;
    p->display = api_text(c->display[dimension]);
    p->count = c->given;
    p->mean = series_figures(c->mean, SERIES_FIGURES, TO_NEAREST);
    p->min = series_figures(c->min, SERIES_ENDS, TO_BELOW);
    p->max = series_figures(c->max, SERIES_ENDS, TO_ABOVE);
    p->p25 = series_figures(c->quartile[0], SERIES_FIGURES, TO_NEAREST);
    p->p50 = series_figures(c->quartile[1], SERIES_FIGURES, TO_NEAREST);
    p->p75 = series_figures(c->quartile[2], SERIES_FIGURES, TO_NEAREST);
    return p;
}

static enum ward_code add_series(struct asked *x, const struct row *row, SeriesResponse *resp)
{
    Series *s = ward_new(x->call->mem, Series);
    int dimension = x->q.n_by - 1;

    if (s == NULL)
        return no_memory(x->call);
    ward__records__v1__series__init(s);
    s->points = ward_alloc(x->call->mem, row->n * sizeof(Point *));
    if (s->points == NULL)
        return no_memory(x->call);
    if (dimension == 1) {
        s->key = api_text(row->first->key[0]);
        if (row->count > 0) /* not all cells are suppressed */
            s->display = api_text(row->first->display[0]);
    }
    for (size_t i = 0; i < row->n; i++) {
        s->points[s->n_points] = point_of(x, &row->first[i], dimension);
        if (s->points[s->n_points++] == NULL)
            return no_memory(x->call);
        resp->suppressed_cells += row->first[i].hidden;
    }
    resp->series[resp->n_series++] = s;
    return WARD_OK;
}

/* Converts a table of one dimension to a table with one row, which is one series. */
static void one_series(struct asked *x)
{
    struct table *t = &x->t;

    for (size_t i = 0; i < t->n; i++) {
        t->cell[i].column = t->cell[i].row;
        t->cell[i].row = 0;
    }
    t->columns = t->rows;
    t->rows = t->n > 0;
}

static int more_given(const void *a, const void *b)
{
    const struct cell *x = a, *y = b;

    if (x->given != y->given)
        return x->given > y->given ? -1 : 1;
    return by_place(a, b);
}

static enum ward_code too_large(struct ward_call *c)
{
    return WARD_FAIL_REASON(c->err, RESOURCE_EXHAUSTED, "SERIES_TOO_LARGE",
                            "the answer would have more than %d points", SERIES_POINTS);
}

static size_t rows_of(const struct table *t, struct row *out)
{
    size_t n = 0;

    for (size_t i = 0; i < t->n; i++) {
        const struct cell *c = &t->cell[i];

        if (n == 0 || out[n - 1].first->row != c->row)
            out[n++] = (struct row){.first = c};
        out[n - 1].n++;
        out[n - 1].count += c->given;
    }
    return n;
}

static enum ward_code answer(struct asked *x, size_t most, SeriesResponse *resp)
{
    struct table *t = &x->t;
    struct row *row = ward_alloc(x->call->mem, (t->n + 1) * sizeof(*row));
    size_t n, points = 0;

    resp->at_us = x->q.now_us;
    resp->unit = api_text(t->unit == NULL ? "" : t->unit);
    resp->series = ward_alloc(x->call->mem, SERIES_MOST * sizeof(Series *));
    if (row == NULL || resp->series == NULL)
        return no_memory(x->call);
    if (t->n > 0) /* an empty table has no cell array */
        qsort(t->cell, t->n, sizeof(*t->cell), by_place);
    if (t->n > 0 && x->q.n_by == 1 && (x->q.by[0] == BY(CODE) || x->q.by[0] == BY(WARD))) {
        qsort(t->cell, t->n, sizeof(*t->cell), more_given);
        t->n = t->n < most ? t->n : most;
    }
    n = rows_of(t, row);
    qsort(row, n, sizeof(*row), largest_first);
    for (size_t i = 0; i < n && i < most; i++) {
        points += row[i].n;
        if (points > SERIES_POINTS)
            return too_large(x->call);
        WARD_TRY(add_series(x, &row[i], resp));
    }
    return WARD_OK;
}

/* ---- the call ---- */

static enum ward_code in_tx(struct ward_db *db, void *arg, struct ward_err *err)
{
    struct asked *x = arg;
    struct ward_event event = x->event;

    WARD_TRY(query_cells(x->w, x->call->mem, &x->q, &x->t, err));
    return ward_event_write(&event, db, err);
}

static enum ward_code get_series(struct ward_call *c, const SeriesRequest *req,
                                 SeriesResponse *resp)
{
    struct asked *x = ward_new(c->mem, struct asked);

    if (x == NULL)
        return no_memory(c);
    *x = (struct asked){.call = c, .w = c->wrk};
    ward_event_begin(&x->event, c, &x->w->event_ctx, NULL);
    WARD_TRY(read_request(c, req, &x->q));
    ward_db_deadline(x->w->event_ctx.db, c->deadline_ns);
    WARD_TRY(ward_db_tx(x->w->event_ctx.db, in_tx, x, c->err));
    if (x->q.n_by == 1)
        one_series(x);
    if (suppress(&x->t, c->mem) > 0 && c->mem->full)
        return no_memory(c);
    give(&x->t, x->q.measure == MEASURE(PATIENTS));
    return answer(x, req->most == 0 ? SERIES_USUAL : (size_t)req->most, resp);
}

enum ward_code get_series_rpc(struct ward_call *c, const ProtobufCMessage *q,
                              ProtobufCMessage *r)
{
    return get_series(c, (const SeriesRequest *)q, (SeriesResponse *)r);
}
