/* ImportCsv: each line becomes a patient or observations, which are imported like a bundle's
 * entries.
 */
#include "services/records/exchange/csv_map.h"
#include "services/records/exchange/import_feed.h"

#include "common/base/text.h"

#include <stdio.h>
#include <string.h>

typedef Ward__Records__V1__ImportCsvRequest Request;
typedef Ward__Records__V1__ImportStart ImportStart;

#define CHUNK ((size_t)1 << 20)
#define KNOWN 1024 /* patients cached between lines */

/* A cached patient. */
struct known {
    bool is;
    uint8_t hash[TOKEN_HASH];
    uint8_t id[RECORDS_ID];
};

struct csv_import {
    struct import im;
    struct csv_map map;
    struct csv_rows *rows;
    struct csv_seen *seen;
    bool has_header;
    struct known known[KNOWN];
};

/* ---- patients by their identifiers ---- */

/* Counts the charts with a patient that has the identifier, up to 2, and returns the first
 * chart's root. */
static enum ward_code look_up(struct csv_import *ci, struct ward_arena *mem,
                              const uint8_t hash[TOKEN_HASH], uint8_t id[RECORDS_ID], size_t *n,
                              struct ward_err *err)
{
    static const char SQL[] =
        "SELECT DISTINCT p.root_id FROM token t JOIN patient p ON p.patient_id = t.patient_id"
        " WHERE t.param = 30 AND t.hash = ? AND t.resource_id = t.patient_id"
        " AND p.erased_at_us IS NULL LIMIT 2";
    struct worker *w = ci->im.call->wrk;
    struct ward_rows rows;

    WARD_TRY(ward_db_run(w->event_ctx.db, mem, SQL, WARD_PARAMS(ward_blob(hash, TOKEN_HASH)),
                         &rows, err));
    *n = rows.n;
    if (rows.n > 0)
        memcpy(id, rows.at[0][0].p, RECORDS_ID);
    return WARD_OK;
}

static enum ward_code hash_of(struct csv_import *ci, struct ward_arena *mem,
                              const struct csv_subject *s, uint8_t hash[TOKEN_HASH],
                              struct ward_err *err)
{
    struct worker *w = ci->im.call->wrk;
    const char *text = ward_printf(mem, "%s|%s", s->system, s->value);

    if (text == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for a row");
    return param_hash(w->rec->keys, PARAM_IDENTIFIER, text, strlen(text), hash, err);
}

/* Finds the patient of a line of observations by identifier. If there is no such patient, uses
 * the id that a patient of this source will get. *several: more than one patient has the
 * identifier. */
static enum ward_code find_subject(struct csv_import *ci, struct ward_arena *mem,
                                   struct csv_subject *s, bool *several, struct ward_err *err)
{
    uint8_t hash[TOKEN_HASH], id[RECORDS_ID];
    struct known *k;
    char text[65];
    size_t n = 1;

    *several = false;
    if (*s->value == '\0')
        return WARD_OK;
    WARD_TRY(hash_of(ci, mem, s, hash, err));
    k = &ci->known[(hash[0] | hash[1] << 8) % KNOWN];
    if (k->is && memcmp(k->hash, hash, TOKEN_HASH) == 0)
        memcpy(id, k->id, RECORDS_ID);
    else
        WARD_TRY(look_up(ci, mem, hash, id, &n, err));
    *several = n > 1;
    if (n == 1) {
        k->is = true;
        memcpy(k->hash, hash, TOKEN_HASH);
        memcpy(k->id, id, RECORDS_ID);
        ward_uuid_text(id, text);
    } else {
        WARD_TRY(csv_patient_id(mem, s, text, err));
    }
    s->reference = ward_printf(mem, "Patient/%s", text);
    return s->reference != NULL ? WARD_OK
                                : WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for a row");
}

/* ---- lines ---- */

static enum ward_code stage_one(struct csv_import *ci, const struct csv_resource *r,
                                const struct csv_row *row, size_t i, struct staged **out,
                                struct ward_err *err)
{
    struct import *im = &ci->im;
    struct entry what = {.source = im->source, .full_url = "", .json = r->json, .place = ""};
    struct staged *e;

    WARD_TRY(stage_add(&im->stage, &e, err));
    e->text = r->text;
    e->n = r->n;
    e->full_url = "";
    e->number = row->line < INT32_MAX ? (int)row->line : INT32_MAX;
    if (csv_observations(&ci->map) > 1)
        snprintf(e->position, sizeof(e->position), "line %lld, value %zu", (long long)row->line,
                 i + 1);
    else
        snprintf(e->position, sizeof(e->position), "line %lld", (long long)row->line);
    e->in.problems = r->problems;
    WARD_TRY(entry_read(im->stage.w, im->stage.mem, &what, NULL, NULL, e, err));
    *out = e;
    return WARD_OK;
}

/* Rejects a second line of the same patient in one transaction. */
static enum ward_code index_one(struct csv_import *ci, struct staged *e, struct ward_err *err)
{
    if (stage_index(&ci->im.stage, e))
        return WARD_OK;
    return problem_add(ci->im.stage.mem, &e->in.problems, "DUPLICATE_PATIENT",
                       "Patient.identifier", "another line has this patient", NULL, err);
}

/* If an earlier line of the same patient is staged, writes the staged lines first. */
static enum ward_code one_after_another(struct csv_import *ci, const struct csv_subject *s,
                                        struct ward_err *err)
{
    struct stage *stage = &ci->im.stage;
    char id[65];
    bool twice = false;

    if (stage->atomic || *s->value == '\0')
        return WARD_OK;
    WARD_TRY(csv_patient_id(stage->mem, s, id, err));
    for (size_t i = 0; i < stage->n && !twice; i++)
        twice = strstr(stage->at[i]->text, id) != NULL;
    return twice ? import_flush(&ci->im, err) : WARD_OK;
}

static enum ward_code add_patient(struct csv_import *ci, const struct csv_row *row,
                                  struct ward_err *err)
{
    const struct csv_subject s = csv_subject_of(&ci->map, row);
    struct csv_resource r;
    struct staged *e;

    WARD_TRY(one_after_another(ci, &s, err));
    WARD_TRY(csv_patient(&ci->map, row, ci->im.stage.mem, &r, err));
    WARD_TRY(stage_one(ci, &r, row, 0, &e, err));
    e->came = e->in.res;
    return index_one(ci, e, err);
}

static enum ward_code add_observations(struct csv_import *ci, const struct csv_row *row,
                                       struct ward_err *err)
{
    struct ward_arena *mem = ci->im.stage.mem;
    struct csv_subject s = csv_subject_of(&ci->map, row);
    bool several;

    WARD_TRY(find_subject(ci, mem, &s, &several, err));
    for (size_t i = 0; i < csv_observations(&ci->map); i++) {
        struct csv_resource r;
        struct staged *e;

        WARD_TRY(csv_observation(&ci->map, row, i, &s, ci->seen, mem, &r, err));
        if (r.text == NULL)
            continue;
        if (several)
            WARD_TRY(problem_add(mem, &r.problems, "SEVERAL_MATCH", "Observation.subject",
                                 "several patients have this identifier", NULL, err));
        WARD_TRY(stage_one(ci, &r, row, i, &e, err));
        WARD_TRY(index_one(ci, e, err));
    }
    return WARD_OK;
}

static enum ward_code on_row(void *arg, const struct csv_row *row, struct ward_err *err)
{
    struct csv_import *ci = arg;
    struct import *im = &ci->im;
    struct csv_row own;

    if (!ci->has_header) {
        ci->has_header = true;
        return csv_map_header(&ci->map, im->call->mem, row, err);
    }
    if (row->n != ci->map.n)
        return WARD_FAIL_REASON(
            err, INVALID_ARGUMENT, "CSV_INVALID",
            "line %lld: the line has %zu fields, but the first line has %zu",
            (long long)row->line, row->n, ci->map.n);
    if (!im->stage.atomic && (im->stage.n + csv_observations(&ci->map) > IMPORT_BATCH ||
                              im->stage.mem->used > IMPORT_STAGED / 2))
        WARD_TRY(import_flush(im, err));
    WARD_TRY(csv_row_trim(&ci->map, row, &own, err));
    return ci->map.patients ? add_patient(ci, &own, err) : add_observations(ci, &own, err);
}

/* ---- the stream ---- */

static enum ward_code begin(struct csv_import *ci, const CsvStart *start)
{
    ImportStart as_any = WARD__RECORDS__V1__IMPORT_START__INIT;
    struct ward_call *c = ci->im.call;

    as_any.import_id = start->import_id;
    as_any.source = start->source;
    as_any.on_problem = start->on_problem;
    as_any.dry_run = start->dry_run;
    as_any.total_bytes = start->total_bytes;
    WARD_TRY(csv_map_open(c->mem, start, &ci->map, c->err));
    WARD_TRY(csv_seen_open(c->mem, &ci->seen, c->err));
    WARD_TRY(import_begin(&ci->im, &as_any));
    ci->im.stage.atomic = ci->im.refuse;
    ci->im.stage.last = true; /* a line does not wait for a patient from a later line */
    return csv_rows_open(c->mem, ci->map.separator, on_row, ci, &ci->rows, c->err);
}

static enum ward_code take(struct csv_import *ci, const Request *q)
{
    struct ward_call *c = ci->im.call;

    if (q->part_case == WARD__RECORDS__V1__IMPORT_CSV_REQUEST__PART_START)
        return ci->rows == NULL ? begin(ci, q->start)
                                : WARD_FAIL_FIELD(c->err, "start", "was sent twice");
    if (q->part_case != WARD__RECORDS__V1__IMPORT_CSV_REQUEST__PART_CHUNK)
        return WARD_FAIL_FIELD(c->err, "part", "is neither start nor chunk");
    if (ci->rows == NULL)
        return WARD_FAIL_FIELD(c->err, "start", "must be the first message");
    if (q->chunk.len > CHUNK)
        return WARD_FAIL_FIELD(c->err, "chunk", "has more than 1 MiB");
    ci->im.count.p.bytes += (int64_t)q->chunk.len;
    return csv_rows_feed(ci->rows, q->chunk.data, q->chunk.len, c->err);
}

static enum ward_code receive(struct csv_import *ci)
{
    struct ward_call *c = ci->im.call;
    const ProtobufCMessage *m = NULL;

    for (;;) {
        WARD_TRY(ward_recv(c, &m));
        if (m == NULL)
            break;
        WARD_TRY(take(ci, (const Request *)m));
    }
    if (ci->rows == NULL)
        return WARD_FAIL_FIELD(c->err, "start", "is missing");
    WARD_TRY(records_import_complete(&ci->im));
    WARD_TRY(csv_rows_end(ci->rows, c->err));
    if (!ci->has_header)
        return WARD_FAIL_REASON(c->err, INVALID_ARGUMENT, "CSV_INVALID",
                                "line 1: the line with the names of the columns is missing");
    WARD_TRY(import_flush(&ci->im, c->err));
    return import_end(&ci->im);
}

enum ward_code import_csv_rpc(struct ward_call *c, const ProtobufCMessage *q,
                              ProtobufCMessage *r)
{
    struct csv_import *ci = ward_new(c->mem, struct csv_import);
    enum ward_code code;

    (void)q, (void)r;
    if (ci == NULL)
        return WARD_FAIL_REASON(c->err, RESOURCE_EXHAUSTED, "ARENA_FULL", "no memory");
    import_open(&ci->im, c);
    code = receive(ci);
    csv_rows_close(ci->rows);
    csv_seen_close(ci->seen);
    import_done(&ci->im);
    return code;
}
