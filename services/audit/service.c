/* Opens, serves and closes the parts of the service for main.c. */
#include "services/audit/service.h"

#include "common/base/text.h"
#include "services/audit/intake.h"
#include "services/audit/wire.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#define KEEP_CAP ((size_t)64 << 20)

enum ward_code service_open(void *arg, struct ward_err *err)
{
    struct audit_service *s = arg;
    enum ward_code code;

    ward_arena_init(&s->keep, KEEP_CAP);
    code = audit_open(&s->cfg, &s->keep, &s->audit, err);
    if (code != WARD_OK) /* a part that failed to open must not be closed */
        ward_arena_done(&s->keep);
    return code;
}

void service_close(void *arg)
{
    struct audit_service *s = arg;

    audit_close(s->audit);
    ward_arena_done(&s->keep);
}

enum ward_code service_intake_open(void *arg, struct ward_err *err)
{
    struct audit_service *s = arg;

    return intake_start(s->audit, &s->keep, &s->intake, err);
}

void service_intake_close(void *arg)
{
    struct audit_service *s = arg;

    intake_stop(s->intake);
}

enum ward_code service_check(void *arg, struct ward_err *err)
{
    struct audit_service *s = arg;

    return audit_sound(s->audit, err);
}

/* Reads the head in the anchor file. *size is 0 without a file. The signature is not checked
 * here, but when the service starts. */
static enum ward_code anchored(const char *path, uint64_t *size, struct ward_err *err)
{
    char text[WARD_NOTE_MAX];
    struct ward_checkpoint cp;
    struct ward_note note;
    FILE *f = fopen(path, "re");
    size_t n;

    *size = 0;
    if (f == NULL && errno == ENOENT)
        return WARD_OK;
    if (f == NULL)
        return WARD_FAIL(err, FAILED_PRECONDITION, "the anchor file cannot be read");
    n = fread(text, 1, sizeof(text), f);
    fclose(f);
    if (ward_note_parse(text, n, &note, NULL) != WARD_OK ||
        ward_checkpoint_parse(&note, &cp, NULL) != WARD_OK)
        return WARD_FAIL(err, FAILED_PRECONDITION, "the anchor file contains no signed head");
    *size = cp.size;
    return WARD_OK;
}

enum ward_code audit_anchor_look(void *arg, struct ward_db *db, struct ward_err *err)
{
    static const char SQL[] = "SELECT COALESCE(MAX(size), 0) FROM head";
    const struct audit_service *s = arg;
    struct ward_arena mem;
    struct ward_rows rows;
    enum ward_code code;
    uint64_t size;
    int64_t has;

    if (*s->cfg.anchor == '\0')
        return WARD_OK;
    WARD_TRY(anchored(s->cfg.anchor, &size, err));
    ward_arena_init(&mem, 4096);
    code = ward_db_run(db, &mem, SQL, WARD_NO_PARAMS, &rows, err);
    if (code == WARD_OK && (rows.n != 1 || !ward_i64(rows.at[0][0].p, 0, INT64_MAX, &has)))
        code = WARD_FAIL(err, DATA_LOSS, "the table of the signed head is invalid");
    if (code == WARD_OK && (uint64_t)has < size)
        code = WARD_FAIL(err, DATA_LOSS,
                         "the stored log has %" PRId64 " events, and the anchor file's head "
                         "%" PRIu64,
                         has, size);
    ward_arena_done(&mem);
    return code;
}

enum ward_code service_worker_open(void *svc, void **wrk, struct ward_err *err)
{
    struct audit_service *s = svc;
    struct ward_arena mem;
    struct audit_worker *w;
    enum ward_code code;

    ward_arena_init(&mem, 4096);
    w = ward_new(&mem, struct audit_worker);
    if (w == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory");
    w->a = s->audit;
    code = ward_db_open(s->cfg.db, &w->db, err);
    w->mem = mem; /* the worker is stored in its own arena */
    if (code != WARD_OK)
        ward_arena_done(&mem);
    else
        *wrk = w;
    return code;
}

void service_worker_close(void *wrk)
{
    struct audit_worker *w = wrk;
    struct ward_arena mem = w->mem;

    ward_db_close(w->db);
    ward_arena_done(&mem);
}

const struct ward_method *audit_methods(void)
{
#define ROW(Method, fn, Message)                                                               \
    {                                                                                          \
        "/ward.audit.v1.Audit/" Method, fn, &ward__audit__v1__##Message##_request__descriptor, \
            &ward__audit__v1__##Message##_response__descriptor                                 \
    }
    static const struct ward_method table[] = {
        ROW("Append", audit_append_rpc, append),
        ROW("Query", audit_query_rpc, query),
        ROW("QueryPatient", audit_query_patient_rpc, query_patient),
        ROW("GetReceipt", audit_receipt_rpc, get_receipt),
        ROW("GetCheckpoint", audit_checkpoint_rpc, get_checkpoint),
        ROW("GetInclusionProof", audit_inclusion_rpc, get_inclusion_proof),
        ROW("GetConsistencyProof", audit_consistency_rpc, get_consistency_proof),
        ROW("ListKeys", audit_keys_rpc, list_keys),
        ROW("RotateKey", audit_rotate_rpc, rotate_key),
        ROW("Tail", audit_tail_rpc, tail),
        ROW("Export", audit_export_rpc, export),
        ROW("EraseContent", audit_erase_rpc, erase_content),
        {0},
    };
    return table;
}
