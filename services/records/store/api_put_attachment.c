/* PutAttachment: the complete content is received and compared with its hash before a row is
 * written. */
#include "common/base/clock.h"
#include "common/base/text.h"
#include "services/records/store/attachment.h"

#include <string.h>

typedef Ward__Records__V1__PutAttachmentRequest PutRequest;
typedef Ward__Records__V1__PutAttachmentResponse PutResponse;
typedef Ward__Records__V1__AttachmentStart Start;

struct putting {
    struct ward_call *call;
    struct view view;
    struct ward_event event;
    enum kind kind; /* a kind that the caller may write */
    bool started;
    char *type;
    uint8_t patient[RECORDS_ID], sha256[WARD_SHA256_SIZE];
    uint8_t *part[ATTACHMENT_MAX / PART_SIZE];
    size_t size; /* bytes received */
    struct ward_val *rows;
};

/* ---- the input ---- */

/* Accepts, for example, "application/pdf" and "text/plain; charset=utf-8". */
static bool is_type(const char *s)
{
    size_t n = strlen(s);

    if (n < 3 || n > TYPE_MAX || strchr(s, '/') == NULL)
        return false;
    for (; *s != '\0'; s++)
        if (*s < ' ' || *s > '~')
            return false;
    return true;
}

/* Permits callers who may write a kind of resource that can name the attachment: a note, a
 * scanned consent, a photograph. */
static enum ward_code choose_kind(struct putting *p)
{
    static const enum kind kinds[] = {KIND_DOCUMENT, KIND_REPORT, KIND_CONSENT};
    struct ward_call *c = p->call;

    for (size_t i = 0; i < WARD_COUNT(kinds); i++) {
        p->kind = kinds[i];
        if (scope_has(&p->view.scope, p->kind))
            return WARD_OK;
    }
    return view_allows(&p->view, c, USE_WRITE, KIND_PATIENT, c->err);
}

static enum ward_code start(struct putting *p, const Start *s)
{
    struct ward_call *c = p->call;
    struct worker *w = c->wrk;
    char text[37];

    if (p->started)
        return WARD_FAIL_FIELD(c->err, "start", "was already sent");
    p->started = true;
    WARD_TRY(ward_call_id(c, "start.patient_id", s->patient_id, p->patient, text));
    memcpy(w->event_ctx.patient, text, sizeof(text));
    if (!is_type(s->content_type))
        return WARD_FAIL_FIELD(c->err, "start.content_type",
                               "must be type/subtype, at most %d bytes", TYPE_MAX);
    if (!ward_unhex(s->sha256, p->sha256, sizeof(p->sha256)))
        return WARD_FAIL_FIELD(c->err, "start.sha256", "must be 64 hex digits");
    /* s is valid only until the next message */
    return ward_call_copy(c, s->content_type, &p->type);
}

static enum ward_code add(struct putting *p, ProtobufCBinaryData chunk)
{
    struct ward_call *c = p->call;

    if (!p->started)
        return WARD_FAIL_FIELD(c->err, "start", "must come first");
    if (chunk.len == 0 || chunk.len > PART_SIZE)
        return WARD_FAIL_FIELD(c->err, "chunk", "must be 1 byte to 1 MiB");
    if (p->size + chunk.len > ATTACHMENT_MAX)
        return WARD_FAIL_FIELD(c->err, "chunk", "exceeds 32 MiB in total");
    for (size_t at = 0; at < chunk.len;) {
        size_t part = p->size / PART_SIZE, used = p->size % PART_SIZE;
        size_t n = chunk.len - at < PART_SIZE - used ? chunk.len - at : PART_SIZE - used;

        if (p->part[part] == NULL)
            p->part[part] = ward_alloc(c->mem, PART_SIZE);
        if (p->part[part] == NULL)
            return WARD_FAIL(c->err, RESOURCE_EXHAUSTED, "no memory for an attachment");
        memcpy(p->part[part] + used, chunk.data + at, n);
        p->size += n;
        at += n;
    }
    return WARD_OK;
}

static enum ward_code receive(struct putting *p)
{
    struct ward_call *c = p->call;
    const ProtobufCMessage *msg;

    for (;;) {
        const PutRequest *q;

        WARD_TRY(ward_recv(c, &msg));
        if (msg == NULL)
            break;
        q = (const PutRequest *)msg;
        if (q->part_case == WARD__RECORDS__V1__PUT_ATTACHMENT_REQUEST__PART_START)
            WARD_TRY(start(p, q->start));
        else if (q->part_case == WARD__RECORDS__V1__PUT_ATTACHMENT_REQUEST__PART_CHUNK)
            WARD_TRY(add(p, q->chunk));
        else
            return WARD_FAIL_FIELD(c->err, "part", "is required");
    }
    if (!p->started)
        return WARD_FAIL_FIELD(c->err, "start", "is required");
    if (p->size == 0)
        return WARD_FAIL_FIELD(c->err, "chunk", "is required");
    return WARD_OK;
}

static size_t n_parts(const struct putting *p)
{
    return (p->size + PART_SIZE - 1) / PART_SIZE;
}

static size_t size_of(const struct putting *p, size_t part)
{
    return part + 1 < n_parts(p) ? PART_SIZE : p->size - part * PART_SIZE;
}

static enum ward_code compare(struct putting *p)
{
    struct ward_bytes pieces[ATTACHMENT_MAX / PART_SIZE];
    uint8_t is[WARD_SHA256_SIZE];

    for (size_t i = 0; i < n_parts(p); i++)
        pieces[i] = (struct ward_bytes){p->part[i], size_of(p, i)};
    ward_sha256_parts(pieces, (int)n_parts(p), is);
    if (memcmp(is, p->sha256, sizeof(is)) == 0)
        return WARD_OK;
    WARD_FAIL_REASON(p->call->err, INVALID_ARGUMENT, "HASH_DIFFERS",
                     "the SHA-256 of the bytes differs from start.sha256");
    return WARD_INVALID_ARGUMENT;
}

/* ---- the write ---- */

static struct attachment bound(const struct putting *p)
{
    struct attachment of = {.size = (int64_t)p->size};

    memcpy(of.patient, p->patient, sizeof(of.patient));
    memcpy(of.sha256, p->sha256, sizeof(of.sha256));
    return of;
}

static enum ward_code seal_all(struct putting *p, const struct patient *owner,
                               struct ward_err *err)
{
    struct ward_arena *mem = p->call->mem;
    struct attachment of = bound(p);

    p->rows = ward_alloc(mem, n_parts(p) * 4 * sizeof(*p->rows));
    if (p->rows == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for an attachment");
    for (size_t i = 0; i < n_parts(p); i++) {
        size_t n = size_of(p, i);
        uint8_t *sealed = ward_alloc(mem, n + WARD_SEAL_EXTRA);

        if (sealed == NULL)
            return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for an attachment");
        WARD_TRY(part_seal(owner->key, &of, (int)i, p->part[i], n, sealed, err));
        p->rows[4 * i] = ward_blob(p->patient, RECORDS_ID);
        p->rows[4 * i + 1] = ward_blob(p->sha256, sizeof(p->sha256));
        p->rows[4 * i + 2] = ward_int(mem, (int64_t)i);
        p->rows[4 * i + 3] = ward_blob(sealed, n + WARD_SEAL_EXTRA);
    }
    return WARD_OK;
}

/* Records the sender, who may name the attachment: the sender already knows its content. */
static enum ward_code note_sender(struct putting *p, struct ward_db *db, struct ward_err *err)
{
    static const char SQL[] = "INSERT INTO attachment_put (patient_id, sha256, actor)"
                              " VALUES (?, ?, ?) ON DUPLICATE KEY UPDATE actor = actor";

    return ward_db_run(db, p->call->mem, SQL,
                       WARD_PARAMS(ward_blob(p->patient, RECORDS_ID),
                                   ward_blob(p->sha256, sizeof(p->sha256)),
                                   ward_text(p->view.actor)),
                       NULL, err);
}

static enum ward_code insert(struct putting *p, const struct patient *owner, struct ward_db *db,
                             struct ward_err *err)
{
    static const char SQL[] = "INSERT INTO attachment (patient_id, sha256, size, put_at_us,"
                              " type) VALUES (?, ?, ?, ?, ?)";
    static const char PART[] = "INSERT INTO attachment_part (patient_id, sha256, part, sealed)"
                               " VALUES (?, ?, ?, ?)";
    uint8_t type[TYPE_MAX + WARD_SEAL_EXTRA];
    struct attachment of = bound(p);
    struct ward_arena *mem = p->call->mem;
    size_t n = strlen(p->type);
    enum ward_code code;

    WARD_TRY(note_sender(p, db, err));
    WARD_TRY(part_seal(owner->key, &of, -1, p->type, n, type, err));
    code = ward_db_run(
        db, mem, SQL,
        WARD_PARAMS(ward_blob(p->patient, RECORDS_ID), ward_blob(p->sha256, sizeof(p->sha256)),
                    ward_int(mem, (int64_t)p->size), ward_int(mem, ward_wall_us()),
                    ward_blob(type, n + WARD_SEAL_EXTRA)),
        NULL, err);
    if (code == WARD_ALREADY_EXISTS) { /* the attachment exists, with the same bytes */
        if (err != NULL)
            *err = (struct ward_err){0};
        return WARD_OK;
    }
    WARD_TRY(code);
    if (p->rows == NULL)
        WARD_TRY(seal_all(p, owner, err));
    return ward_db_bulk(db, PART, p->rows, 4, n_parts(p), err);
}

static enum ward_code in_tx(struct ward_db *db, void *arg, struct ward_err *err)
{
    struct putting *p = arg;
    struct ward_call *c = p->call;
    struct ward_event event = p->event;
    struct patient owner = {0};
    enum ward_code code = WARD_OK;

    WARD_TRY(view_covers(c->wrk, c->mem, &p->view, p->kind, 0, p->patient, err));
    WARD_TRY(patient_find(c->wrk, c->mem, p->patient, true, &owner, err));
    if (owner.erased)
        code = WARD_FAIL_REASON(err, FAILED_PRECONDITION, "PATIENT_ERASED",
                                "the patient was erased");
    else if (memcmp(owner.id, owner.root, RECORDS_ID) != 0)
        code = WARD_FAIL_REASON(err, FAILED_PRECONDITION, "PATIENT_MERGED",
                                "the patient was merged into another");
    else
        code = insert(p, &owner, db, err);
    patient_wipe(&owner);
    WARD_TRY(code);
    ward_event_note_int(&event, "bytes", (int64_t)p->size);
    return tell(c->wrk, &event, &p->view, p->patient, err);
}

static enum ward_code answer(struct putting *p, PutResponse *r)
{
    struct ward_call *c = p->call;
    char hex[2 * WARD_SHA256_SIZE + 1];

    ward_hex(p->sha256, sizeof(p->sha256), hex);
    r->url = ward_printf(c->mem, ATTACHMENT_URN "%s", hex);
    r->size = (uint32_t)p->size;
    if (r->url == NULL)
        return WARD_FAIL(c->err, RESOURCE_EXHAUSTED, "no memory for the answer");
    return WARD_OK;
}

enum ward_code put_attachment_rpc(struct ward_call *c, const ProtobufCMessage *q,
                                  ProtobufCMessage *r)
{
    struct putting p = {.call = c};
    struct worker *w = c->wrk;

    (void)q;
    ward_event_begin(&p.event, c, &w->event_ctx, NULL);
    ward_db_deadline(w->event_ctx.db, c->deadline_ns);
    WARD_TRY(view_of(c, USE_WRITE, &p.view, c->err));
    WARD_TRY(choose_kind(&p));
    WARD_TRY(receive(&p));
    WARD_TRY(compare(&p));
    WARD_TRY(ward_db_tx(w->event_ctx.db, in_tx, &p, c->err));
    return answer(&p, (PutResponse *)r);
}
