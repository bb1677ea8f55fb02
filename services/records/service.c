#include "services/records/feed/feed.h"
#include "services/records/records.h"
#include "services/records/text/model.h"
#include "services/records/text/text.h"

static const struct ward_keyring_owners owners = WARD_KEYRING_OWNERS("owner_key", "owner_id");

struct ward_family records_glass_broken = {
    .name = "ward_records_glass_broken_total",
    .help = "Number of break-glass accesses, by reason.",
    .type = WARD_COUNTER,
    .label = {"reason"},
};
struct ward_family *const records_metrics[] = {&records_glass_broken, NULL};

static enum ward_code open_keys(struct records *rec, struct ward_err *err)
{
    static struct ward_keyring_config cfg; /* the keyring owns this configuration */

    cfg = (struct ward_keyring_config){.service = RECORDS_NAME,
                                       .root = rec->cfg.kek,
                                       .root_old = rec->cfg.kek_old,
                                       .hold_s = rec->cfg.key_hold_s,
                                       .unreadable = "RECORD_UNREADABLE",
                                       .owners = &owners};
    return ward_keyring_open(&cfg, rec->db, &rec->keys, err);
}

static enum ward_code open_text(struct records *rec, struct ward_err *err)
{
    struct text_model_config model = {rec->cfg.text_model, rec->cfg.plugins, "cpu"};
    struct text_config cfg = {.data_dir = rec->cfg.text_data};

    if (*model.dir != '\0')
        WARD_TRY(text_model_open(&model, &rec->text_model, err));
    cfg.backend = rec->text_model;
    return text_open(&cfg, &rec->text, err);
}

enum ward_code records_open(void *arg, struct ward_err *err)
{
    struct records *rec = arg;

    WARD_TRY(open_keys(rec, err));
    WARD_TRY(ward_client_open(&(struct ward_client_config){.target = rec->cfg.audit,
                                                           .tls = *rec->tls,
                                                           .server = "audit"},
                              &rec->audit, err));
    WARD_TRY(open_text(rec, err));
    return sequencer_open(rec, &rec->feed, err);
}

void records_close(void *arg)
{
    struct records *rec = arg;

    sequencer_close(rec->feed);
    text_close(rec->text);
    text_model_close(rec->text_model);
    ward_client_close(rec->audit);
    ward_keyring_close(rec->keys);
}

enum ward_code records_ready(void *arg, struct ward_err *err)
{
    struct records *rec = arg;

    return ward_keyring_check(rec->keys, err);
}

enum ward_code worker_open(void *arg, void **wrk, struct ward_err *err)
{
    struct ward_arena mem;
    struct worker *w;
    enum ward_code code;

    ward_arena_init(&mem, sizeof(*w) + 64);
    w = ward_new(&mem, struct worker);
    if (w == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for a worker");
    w->mem = mem;
    w->rec = arg;
    w->event_ctx.service = RECORDS_NAME;
    code = ward_db_open(w->rec->db, &w->event_ctx.db, err);
    if (code != WARD_OK) {
        worker_close(w);
        return code;
    }
    *wrk = w;
    return WARD_OK;
}

void worker_close(void *wrk)
{
    struct worker *w = wrk;
    struct ward_arena mem;

    if (w == NULL)
        return;
    ward_db_close(w->event_ctx.db);
    mem = w->mem;
    ward_arena_done(&mem);
}

void worker_refused(struct ward_call *c, enum ward_code code)
{
    struct worker *w = c->wrk;

    ward_event_failed(c, &w->event_ctx, code);
}
