/* ImportBundle: receives bundles and writes the import's row. */
#include "services/records/exchange/import_feed.h"

#include "common/base/clock.h"

#include <string.h>

typedef Ward__Records__V1__ImportBundleRequest Request;
typedef Ward__Records__V1__ImportStart Start;

#define TEXT_MAX128 128
#define CHUNK       ((size_t)1 << 20)

/* ---- the run's row ---- */

static enum ward_code begin_run(struct ward_db *db, void *arg, struct ward_err *err)
{
    static const char INSERT[] = "INSERT IGNORE INTO import_run (import_id, source, started_by,"
                                 " started_at_us) VALUES (?, ?, ?, ?)";
    static const char SELECT[] = "SELECT source FROM import_run WHERE import_id = ?";
    struct import *im = arg;
    struct ward_arena *mem = im->call->mem;
    struct ward_val id = ward_text(im->stage.import_id);
    struct ward_rows rows;

    if (!im->stage.dry_run)
        WARD_TRY(ward_db_run(db, mem, INSERT,
                             WARD_PARAMS(id, ward_text(im->source),
                                         ward_text(im->call->who->subject),
                                         ward_int(mem, ward_wall_us())),
                             NULL, err));
    WARD_TRY(ward_db_run(db, mem, SELECT, WARD_PARAMS(id), &rows, err));
    if (rows.n > 0 && strcmp(rows.at[0][0].p, im->source) != 0)
        return WARD_FAIL_REASON(err, FAILED_PRECONDITION, "IMPORT_DIFFERS",
                                "this import_id was used with another source");
    return WARD_OK;
}

static enum ward_code end_run(struct ward_db *db, void *arg, struct ward_err *err)
{
    static const char SQL[] = "UPDATE import_run SET done_at_us = ? WHERE import_id = ?";
    struct import *im = arg;
    struct ward_arena *mem = im->call->mem;
    const ImportProgress *p = &im->count.p;

    if (!im->stage.dry_run)
        WARD_TRY(ward_db_run(
            db, mem, SQL,
            WARD_PARAMS(ward_int(mem, ward_wall_us()), ward_text(im->stage.import_id)), NULL,
            err));
    im->event.n = 0; /* a retried transaction adds the notes again */
    ward_event_note(&im->event, "import", im->stage.import_id);
    ward_event_note_int(&im->event, "bundles", p->bundles);
    ward_event_note_int(&im->event, "created", p->created);
    ward_event_note_int(&im->event, "updated", p->updated);
    ward_event_note_int(&im->event, "unchanged", p->unchanged);
    ward_event_note_int(&im->event, "quarantined", p->quarantined);
    ward_event_note(&im->event, "dry_run", im->stage.dry_run ? "true" : "false");
    return ward_event_write(&im->event, db, err);
}

/* ---- the stream ---- */

static enum ward_code check_start(struct ward_call *c, const Start *s)
{
    size_t n_id = strlen(s->import_id), n_source = strlen(s->source);

    if (n_id == 0 || n_id > TEXT_MAX128)
        return WARD_FAIL_FIELD(c->err, "start.import_id", "must have 1 to 128 bytes");
    if (n_source == 0 || n_source > TEXT_MAX128)
        return WARD_FAIL_FIELD(c->err, "start.source", "must have 1 to 128 bytes");
    if (s->total_bytes < 0)
        return WARD_FAIL_FIELD(c->err, "start.total_bytes", "must not be negative");
    if ((int)s->on_problem < 0 ||
        s->on_problem > WARD__RECORDS__V1__ON_PROBLEM__ON_PROBLEM_REFUSE)
        return WARD_FAIL_FIELD(c->err, "start.on_problem", "is not a value of the enum");
    return WARD_OK;
}

/* The texts are copied, because the memory of the start message is released when the next
 * message arrives. */
enum ward_code import_begin(struct import *im, const Ward__Records__V1__ImportStart *start)
{
    struct ward_call *c = im->call;
    struct worker *w = c->wrk;
    char *id, *source;

    WARD_TRY(check_start(c, start));
    WARD_TRY(ward_call_copy(c, start->import_id, &id));
    WARD_TRY(ward_call_copy(c, start->source, &source));
    im->source = source;
    im->total_bytes = start->total_bytes;
    im->refuse = start->on_problem == WARD__RECORDS__V1__ON_PROBLEM__ON_PROBLEM_REFUSE;
    im->stage.w = w;
    im->stage.import_id = id;
    im->stage.dry_run = start->dry_run;
    im->stage.event = &im->event;
    im->stage.call = *c;
    WARD_TRY(import_mark(c->mem, source, &im->stage.from, c->err));
    WARD_TRY(stage_init(&im->stage, c->err));
    ward_event_note(&im->event, "import", id);
    ward_db_deadline(w->event_ctx.db, c->deadline_ns);
    return ward_db_tx(w->event_ctx.db, begin_run, im, c->err);
}

enum ward_code records_import_complete(struct import *im)
{
    if (im->total_bytes == 0 || im->count.p.bytes == im->total_bytes)
        return WARD_OK;
    return WARD_FAIL_REASON(im->call->err, ABORTED, "IMPORT_INCOMPLETE",
                            "the stream ended after %lld of %lld bytes",
                            (long long)im->count.p.bytes, (long long)im->total_bytes);
}

static enum ward_code receive(struct import *im)
{
    struct ward_call *c = im->call;
    const ProtobufCMessage *m = NULL;
    bool started = false;

    for (;;) {
        const Request *q;

        WARD_TRY(ward_recv(c, &m));
        if (m == NULL)
            break;
        q = (const Request *)m;
        if (q->part_case == WARD__RECORDS__V1__IMPORT_BUNDLE_REQUEST__PART_START) {
            if (started)
                return WARD_FAIL_FIELD(c->err, "start", "was sent twice");
            started = true;
            WARD_TRY(import_begin(im, q->start));
            continue;
        }
        if (q->part_case != WARD__RECORDS__V1__IMPORT_BUNDLE_REQUEST__PART_CHUNK)
            return WARD_FAIL_FIELD(c->err, "part", "is neither start nor chunk");
        if (!started)
            return WARD_FAIL_FIELD(c->err, "start", "must be the first message");
        if (q->chunk.len > CHUNK)
            return WARD_FAIL_FIELD(c->err, "chunk", "has more than 1 MiB");
        WARD_TRY(import_feed(im, q->chunk.data, q->chunk.len, c->err));
    }
    if (!started)
        return WARD_FAIL_FIELD(c->err, "start", "is missing");
    WARD_TRY(records_import_complete(im));
    return import_feed_end(im, c->err);
}

enum ward_code import_end(struct import *im)
{
    struct ward_call *c = im->call;
    struct worker *w = c->wrk;

    WARD_TRY(ward_db_tx(w->event_ctx.db, end_run, im, c->err));
    im->count.p.done = true;
    return import_send(c, &im->count, true);
}

void import_open(struct import *im, struct ward_call *c)
{
    struct worker *w = c->wrk;

    im->call = c;
    im->count.mem = c->mem;
    ward__records__v1__import_progress__init(&im->count.p);
    im->last_held = &im->held;
    ward_arena_init(&im->behind.mem, IMPORT_STAGED);
    im->behind.spare = &im->behind.mem;
    ward_arena_init(&im->waiting, IMPORT_WAITING);
    ward_event_begin(&im->event, c, &w->event_ctx, NULL);
}

void import_done(struct import *im)
{
    (void)!records_import_wait(im, NULL);
    ward_json_stream_close(im->stream);
    stage_done(&im->stage);
    ward_arena_done(&im->behind.mem);
    ward_arena_done(&im->waiting);
}

/* The batch that is still being written came before the bytes that failed: its error is the
 * call's. */
static enum ward_code first_error(struct import *im, enum ward_code code)
{
    struct ward_err earlier = {0};
    enum ward_code first = records_import_wait(im, &earlier);

    if (first == WARD_OK)
        return code;
    *im->call->err = earlier;
    return first;
}

enum ward_code import_bundle_rpc(struct ward_call *c, const ProtobufCMessage *q,
                                 ProtobufCMessage *r)
{
    struct import *im = ward_new(c->mem, struct import);
    enum ward_code code;

    (void)q, (void)r;
    if (im == NULL)
        return WARD_FAIL_REASON(c->err, RESOURCE_EXHAUSTED, "ARENA_FULL", "no memory");
    import_open(im, c);
    code = receive(im);
    if (code != WARD_OK)
        code = first_error(im, code);
    if (code == WARD_OK)
        code = import_end(im);
    import_done(im);
    return code;
}
