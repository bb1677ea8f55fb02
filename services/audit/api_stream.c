/* Tail and Export. A stream may last for days, so each message has its own arena. */
#include "common/base/clock.h"
#include "common/base/log.h"
#include "services/audit/wire.h"

#define TAIL_ROWS 100
/* entries in a message, 8 KiB each; below the 4 MiB limit of gRPC clients */
#define EXPORT_ROWS 400
#define WAIT_MS     500
#define ARENA_CAP   ((size_t)32 << 20)

typedef Ward__Audit__V1__TailResponse TailResponse;
typedef Ward__Audit__V1__ExportRequest ExportRequest;
typedef Ward__Audit__V1__ExportResponse ExportResponse;

static enum ward_code full(struct ward_err *err)
{
    return WARD_FAIL(err, RESOURCE_EXHAUSTED, "the call needs more memory than permitted");
}

static enum ward_code record_start(struct ward_call *c, const char *key, const char *value)
{
    struct own o = own_of(c);

    own_detail(&o, key, value);
    return own_call(c, &o, NULL);
}

/* ---- Tail ---- */

static enum ward_code tail_some(struct ward_call *c, uint64_t from, uint64_t n,
                                struct ward_arena *mem)
{
    static const Ward__Audit__V1__Record INIT = WARD__AUDIT__V1__RECORD__INIT;
    struct audit_worker *w = audit_serve(c);
    struct audit_entry *entries = ward_alloc(mem, n * sizeof(*entries));
    TailResponse resp = WARD__AUDIT__V1__TAIL_RESPONSE__INIT;

    resp.records = audit_list(mem, sizeof(INIT), n, &INIT);
    if (entries == NULL || resp.records == NULL)
        return full(c->err);
    WARD_TRY(entry_range(audit_vault(w->a), w->db, mem, from, n, entries, c->err));
    for (uint64_t i = 0; i < n; i++)
        WARD_TRY(record_of(&entries[i], mem, resp.records[i], c->err));
    resp.n_records = n;
    return ward_send(c, &resp.base);
}

static enum ward_code ended(struct ward_call *c)
{
    struct audit_worker *w = c->wrk;

    WARD_TRY(audit_sound(w->a, c->err));
    if (!ward_call_cancelled(c))
        return WARD_OK;
    return ward_left_ms(c->deadline_ns) == 0
               ? WARD_FAIL(c->err, DEADLINE_EXCEEDED, "the deadline passed")
               : WARD_FAIL(c->err, CANCELLED, "the caller disconnected");
}

static enum ward_code tail(struct ward_call *c, const Ward__Audit__V1__TailRequest *req)
{
    struct audit_worker *w = audit_serve(c);
    uint64_t next = req->from_end ? audit_seen(w->a).size : req->from_index;
    struct ward_arena mem;
    enum ward_code code;

    WARD_TRY(
        record_start(c, "from_index", ward_printf(c->mem, "%llu", (unsigned long long)next)));
    ward_arena_init(&mem, ARENA_CAP);
    while ((code = ended(c)) == WARD_OK) {
        uint64_t size = audit_wait(w->a, next, WAIT_MS), n = size > next ? size - next : 0;

        if (n == 0)
            continue;
        code = tail_some(c, next, n > TAIL_ROWS ? TAIL_ROWS : n, &mem);
        ward_arena_reset(&mem);
        if (code != WARD_OK)
            break;
        next += n > TAIL_ROWS ? TAIL_ROWS : n;
    }
    ward_arena_done(&mem);
    return code;
}

enum ward_code audit_tail_rpc(struct ward_call *c, const ProtobufCMessage *q,
                              ProtobufCMessage *r)
{
    (void)r;
    return tail(c, (const Ward__Audit__V1__TailRequest *)q);
}

/* ---- Export ---- */

static enum ward_code export_some(struct ward_call *c, const ExportRequest *req, uint64_t from,
                                  uint64_t n, struct ward_arena *mem)
{
    static const Ward__Audit__V1__Entry INIT = WARD__AUDIT__V1__ENTRY__INIT;
    struct audit_worker *w = audit_serve(c);
    struct audit_entry *entries = ward_alloc(mem, n * sizeof(*entries));
    ExportResponse resp = WARD__AUDIT__V1__EXPORT_RESPONSE__INIT;
    size_t there = 0;

    resp.entries = audit_list(mem, sizeof(INIT), n, &INIT);
    if (entries == NULL || resp.entries == NULL)
        return full(c->err);
    WARD_TRY(
        entry_range_as_is(audit_vault(w->a), w->db, mem, from, n, entries, &there, c->err));
    for (size_t i = 0; i < there; i++)
        WARD_TRY(entry_of(&entries[i], !req->leaves_only, mem, resp.entries[i], c->err));
    resp.n_entries = there;
    return there == 0 ? WARD_OK : ward_send(c, &resp.base);
}

static enum ward_code export_head(struct ward_call *c, const ExportRequest *req, uint64_t *size)
{
    struct audit_worker *w = audit_serve(c);
    ExportResponse resp = WARD__AUDIT__V1__EXPORT_RESPONSE__INIT;
    uint64_t stored;

    WARD_TRY(head_as_is(w->db, c->mem, &resp.checkpoint, &stored, c->err));
    *size = req->size == 0 ? stored : req->size;
    if (*size > stored || req->from_index > *size)
        return WARD_FAIL(c->err, OUT_OF_RANGE, "the log is smaller than this size");
    resp.size = *size;
    WARD_TRY(keys_of(w->a, c->mem, &resp.keys, &resp.n_keys, c->err));
    return ward_send(c, &resp.base);
}

/* A damaged log must remain exportable for investigation. It accepts no events, so the
 * process's own log records the export. */
static enum ward_code note_export(struct ward_call *c, const ExportRequest *req)
{
    struct audit_worker *w = c->wrk;
    enum ward_code code = audit_sound(w->a, c->err);

    if (code == WARD_OK)
        code = record_start(c, "content", req->leaves_only ? "no" : "yes");
    if (code != WARD_DATA_LOSS)
        return code;
    ward_log_err(WARD_LOG_ERROR, "export of a damaged log", c->err);
    c->audited = true;
    return WARD_OK;
}

static enum ward_code export_log(struct ward_call *c, const ExportRequest *req)
{
    struct ward_arena mem;
    enum ward_code code;
    uint64_t size;

    WARD_TRY(note_export(c, req));
    WARD_TRY(export_head(c, req, &size));
    ward_arena_init(&mem, ARENA_CAP);
    code = WARD_OK;
    for (uint64_t at = req->from_index; code == WARD_OK && at < size; at += EXPORT_ROWS) {
        uint64_t n = size - at < EXPORT_ROWS ? size - at : EXPORT_ROWS;

        code = export_some(c, req, at, n, &mem);
        ward_arena_reset(&mem);
    }
    ward_arena_done(&mem);
    return code;
}

enum ward_code audit_export_rpc(struct ward_call *c, const ProtobufCMessage *q,
                                ProtobufCMessage *r)
{
    (void)r;
    return export_log(c, (const ExportRequest *)q);
}
