#include "services/dosage/chart/chart.h"
#include "services/dosage/dosage.h"
#include "services/dosage/formulary/ruleset.h"
#include "services/dosage/order/keeper.h"
#include "services/dosage/schedule/due.h"
#include "services/dosage/store/keep.h"
#include "services/dosage/track/presence.h"
#include "services/dosage/track/watch.h"

static const struct ward_keyring_owners owners = WARD_KEYRING_OWNERS("owner_key", "owner_id");

/* Seeds of the signing keys of downtime packs (downtime/pack.h). */
static const struct ward_keyring_use uses[] = {{"pack", 1, 1, 4, true}};

static enum ward_code open_keys(struct dosage *dos, struct ward_err *err)
{
    static struct ward_keyring_config cfg;

    cfg = (struct ward_keyring_config){.service = DOSAGE_NAME,
                                       .root = dos->cfg.kek,
                                       .root_old = dos->cfg.kek_old,
                                       .hold_s = dos->cfg.key_hold_s,
                                       .unreadable = "DOSE_UNREADABLE",
                                       .owners = &owners,
                                       .uses = uses,
                                       .n_uses = WARD_COUNT(uses)};
    return ward_keyring_open(&cfg, dos->db, &dos->keys, err);
}

static enum ward_code open_client(struct dosage *dos, const char *target, const char *server,
                                  struct ward_client **out, struct ward_err *err)
{
    return ward_client_open(
        &(struct ward_client_config){
            .target = target, .tls = *dos->tls, .server = server, .beside_server = dos->serves},
        out, err);
}

enum ward_code dosage_open(void *arg, struct ward_err *err)
{
    struct dosage *dos = arg;

    WARD_TRY(open_keys(dos, err));
    WARD_TRY(open_client(dos, dos->cfg.records, "records", &dos->records, err));
    WARD_TRY(open_client(dos, dos->cfg.identity, "identity", &dos->identity, err));
    WARD_TRY(rulesets_open(dos, &dos->rulesets, err));
    WARD_TRY(keep_open(&dos->lately, err));
    WARD_TRY(keeper_open(dos, &dos->keeper, err));
    WARD_TRY(charts_open(dos, &dos->charts, err));
    WARD_TRY(due_open(dos, &dos->due, err));
    WARD_TRY(presence_open(&dos->presence, err));
    return watch_open(dos, &dos->watcher, err);
}

void dosage_close(void *arg)
{
    struct dosage *dos = arg;

    watch_close(dos->watcher);
    presence_close(dos->presence);
    due_close(dos->due);
    charts_close(dos->charts);
    keeper_close(dos->keeper);
    keep_close(dos->lately);
    rulesets_close(dos->rulesets);
    ward_client_close(dos->identity);
    ward_client_close(dos->records);
    ward_keyring_close(dos->keys);
}

enum ward_code dosage_ready(void *arg, struct ward_err *err)
{
    struct dosage *dos = arg;

    return ward_keyring_check(dos->keys, err);
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
    w->dos = arg;
    w->event_ctx.service = DOSAGE_NAME;
    code = ward_db_open(w->dos->db, &w->event_ctx.db, err);
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
