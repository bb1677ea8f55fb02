/* The rule sets that this process has read. Each is read once and stays in memory until the
 * process ends. */
#include "services/dosage/formulary/kept.h"

#include <pthread.h>

#define HELD_MEM ((size_t)256 << 20) /* for one rule set: a message of 4 MiB, decoded */

struct held {
    struct held *next;
    int64_t version;
    struct ruleset *set;
    struct ward_arena mem; /* owns this struct and the message */
};

struct rulesets {
    struct ward_arena mem; /* owns this struct */
    pthread_mutex_t lock;
    struct held *first;
};

enum ward_code rulesets_open(struct dosage *dos, struct rulesets **out, struct ward_err *err)
{
    struct ward_arena mem;
    struct rulesets *rs;

    (void)dos;
    ward_arena_init(&mem, sizeof(*rs) + 64);
    rs = ward_new(&mem, struct rulesets);
    if (rs == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for rule sets");
    rs->mem = mem;
    pthread_mutex_init(&rs->lock, NULL);
    *out = rs;
    return WARD_OK;
}

static void drop(struct held *h)
{
    struct ward_arena mem = h->mem;

    ruleset_free(h->set);
    ward_arena_done(&mem);
}

void rulesets_close(struct rulesets *rs)
{
    struct ward_arena mem;

    if (rs == NULL)
        return;
    while (rs->first != NULL) {
        struct held *h = rs->first;

        rs->first = h->next;
        drop(h);
    }
    pthread_mutex_destroy(&rs->lock);
    mem = rs->mem;
    ward_arena_done(&mem);
}

static const struct held *among(const struct rulesets *rs, int64_t version)
{
    const struct held *h = rs->first;

    while (h != NULL && h->version != version)
        h = h->next;
    return h;
}

static const struct ruleset *look(struct rulesets *rs, int64_t version)
{
    const struct held *h;

    pthread_mutex_lock(&rs->lock);
    h = among(rs, version);
    pthread_mutex_unlock(&rs->lock);
    return h == NULL ? NULL : h->set;
}

/* If two workers read a rule set at the same time, the first copy is used and the second is
 * freed. */
static const struct ruleset *hold(struct rulesets *rs, struct held *h)
{
    const struct held *was;

    pthread_mutex_lock(&rs->lock);
    was = among(rs, h->version);
    if (was == NULL) {
        h->next = rs->first;
        rs->first = h;
    }
    pthread_mutex_unlock(&rs->lock);
    if (was == NULL)
        return h->set;
    drop(h);
    return was->set;
}

static enum ward_code read_into(struct worker *w, struct held *h, struct ward_arena *mem,
                                struct ward_err *err)
{
    char sha256[65];
    RuleSet *msg;

    WARD_TRY(kept_content(w->event_ctx.db, mem, h->version, &msg, sha256, err));
    return ruleset_load(msg, sha256, &h->set, err);
}

static enum ward_code read_set(struct worker *w, int64_t version, const struct ruleset **out,
                               struct ward_err *err)
{
    struct ward_arena mem;
    struct held *h;
    enum ward_code code;

    ward_arena_init(&mem, HELD_MEM);
    h = ward_new(&mem, struct held);
    if (h == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for a rule set");
    h->version = version;
    code = read_into(w, h, &mem, err);
    if (code != WARD_OK) {
        ward_arena_done(&mem);
        return code;
    }
    h->mem = mem;
    *out = hold(w->dos->rulesets, h);
    return WARD_OK;
}

enum ward_code ruleset_of(struct worker *w, struct ward_arena *mem, int64_t version,
                          const struct ruleset **out, struct ward_err *err)
{
    const struct ruleset *set = look(w->dos->rulesets, version);

    (void)mem;
    if (set == NULL)
        return read_set(w, version, out, err);
    *out = set;
    return WARD_OK;
}

enum ward_code ruleset_active(struct worker *w, struct ward_arena *mem,
                              const struct ruleset **out, struct ward_err *err)
{
    int64_t version;

    WARD_TRY(kept_active(w->event_ctx.db, mem, &version, err));
    if (version == 0)
        return WARD_FAIL_REASON(err, FAILED_PRECONDITION, "NO_RULE_SET",
                                "no rule set is active: nothing can be checked");
    return ruleset_of(w, mem, version, out, err);
}
