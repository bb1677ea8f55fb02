#include "services/diagnosis/registry/registry.h"

#include "common/base/clock.h"
#include "common/base/log.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#define OWN_CAP    ((size_t)1 << 20)
#define STATE_CAP  ((size_t)1 << 20) /* memory for one query of the database */
#define CHANGED_MS 2000              /* maximum wait in registry_changed */
#define DYING      (STATE_MODELS * STATE_VERSIONS * 2)

struct entry {
    char name[STATE_NAME];
    char part[STATE_NAME + 32]; /* health check: "ward.diagnosis.v1/chest" */
    bool configured;
    char active[STATE_NAME];
    int n;
    struct {
        struct model *model;
        bool shadow;
    } at[STATE_VERSIONS];
};

struct registry {
    struct ward_arena own, mem; /* mem: for one query of the database */
    struct diagnosis *dia;
    bool none; /* the configuration is "none" */
    struct ward_db *db;
    pthread_t follower;
    bool following;

    pthread_mutex_t lock; /* guards the following members */
    pthread_cond_t wake;
    bool closing;
    uint64_t asked, looked; /* changes made by this replica; changes already followed */
    int64_t revision;       /* revision that this replica has applied; 0: none yet */
    int n;
    struct entry entry[STATE_MODELS];
    int n_dying;
    struct model *dying[DYING];
};

/* ---- finding: the lock is held ---- */

static struct entry *entry_of(struct registry *r, const char *name)
{
    for (int i = 0; i < r->n; i++)
        if (strcmp(r->entry[i].name, name) == 0)
            return &r->entry[i];
    return NULL;
}

static struct model *version_of(const struct entry *e, const char *version)
{
    for (int i = 0; i < e->n; i++)
        if (strcmp(e->at[i].model->version, version) == 0)
            return e->at[i].model;
    return NULL;
}

static struct entry *add_entry(struct registry *r, const char *name)
{
    struct entry *e = entry_of(r, name);

    if (e != NULL || r->n == STATE_MODELS)
        return e;
    e = &r->entry[r->n];
    snprintf(e->name, sizeof(e->name), "%s", name);
    snprintf(e->part, sizeof(e->part), "ward.diagnosis.v1/%s", name);
    r->dia->part[r->n++] = e->part;
    return e;
}

/* ---- following ---- */

/* Unwanted versions are closed when no call uses them any more. */
static void drop_unwanted(struct registry *r, struct entry *e, const struct state_model *want)
{
    int kept = 0;

    for (int i = 0; i < e->n; i++) {
        int k = 0;

        while (k < want->n && strcmp(want->version[k].version, e->at[i].model->version) != 0)
            k++;
        if (k < want->n) {
            e->at[kept] = e->at[i];
            e->at[kept++].shadow = want->version[k].shadow;
        } else if (r->n_dying < DYING) {
            r->dying[r->n_dying++] = e->at[i].model;
        } else {
            e->at[kept++] = e->at[i]; /* later */
        }
    }
    e->n = kept;
}

static enum ward_code apply_model(struct registry *r, const struct state_model *want,
                                  struct ward_err *err)
{
    struct entry *e = add_entry(r, want->name);

    if (e == NULL)
        return WARD_OK; /* beyond the limit of models: calls get MODEL_NOT_FOUND */
    snprintf(e->active, sizeof(e->active), "%s", want->active);
    drop_unwanted(r, e, want);
    for (int i = 0; i < want->n && e->n < STATE_VERSIONS; i++) {
        const char *version = want->version[i].version;
        struct model *m;

        if (version_of(e, version) != NULL)
            continue;
        WARD_TRY(model_new(r->dia, want->name, version, &m, err));
        e->at[e->n].model = m;
        e->at[e->n++].shadow = want->version[i].shadow;
    }
    return WARD_OK;
}

static enum ward_code apply(struct registry *r, const struct state *want, struct ward_err *err)
{
    enum ward_code code = WARD_OK;

    pthread_mutex_lock(&r->lock);
    for (int i = 0; code == WARD_OK && i < want->n; i++)
        code = apply_model(r, &want->model[i], err);
    if (code == WARD_OK)
        r->revision = want->revision;
    pthread_mutex_unlock(&r->lock);
    return code;
}

/* Closing waits for the model's canary, so the lock is not held meanwhile. */
static void bury(struct registry *r, bool all)
{
    for (;;) {
        struct model *m = NULL;

        pthread_mutex_lock(&r->lock);
        for (int i = 0; m == NULL && i < r->n_dying; i++)
            if (all || r->dying[i]->users == 0) {
                m = r->dying[i];
                r->dying[i] = r->dying[--r->n_dying];
            }
        pthread_mutex_unlock(&r->lock);
        if (m == NULL)
            return;
        model_free(m);
    }
}

static enum ward_code follow(struct registry *r, struct ward_err *err)
{
    struct state *want;
    int64_t revision = 0;
    enum ward_code code;

    ward_arena_reset(&r->mem);
    ward_db_deadline(r->db, WARD_NO_DEADLINE);
    WARD_TRY(state_revision(r->db, &r->mem, &revision, err));
    if (revision == r->revision)
        return WARD_OK;
    want = ward_new(&r->mem, struct state);
    if (want == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory to read the registry");
    code = state_read(r->db, &r->mem, want, err);
    return code == WARD_OK ? apply(r, want, err) : code;
}

static void doze(struct registry *r)
{
    int64_t at = ward_mono_ns() + r->dia->cfg.registry_ms * WARD_NS_PER_MS;
    struct timespec ts = {at / 1000000000, at % 1000000000};

    pthread_mutex_lock(&r->lock);
    while (!r->closing && r->asked == r->looked &&
           pthread_cond_timedwait(&r->wake, &r->lock, &ts) == 0)
        continue;
    pthread_mutex_unlock(&r->lock);
}

/* Begins a query for changes. Returns false when the registry closes. */
static bool begin_look(struct registry *r, uint64_t *asked)
{
    bool on;

    pthread_mutex_lock(&r->lock);
    on = !r->closing;
    *asked = r->asked;
    pthread_mutex_unlock(&r->lock);
    return on;
}

/* Ends the wait of registry_changed, also after a query that failed. */
static void end_look(struct registry *r, uint64_t asked)
{
    pthread_mutex_lock(&r->lock);
    r->looked = asked;
    pthread_cond_broadcast(&r->wake);
    pthread_mutex_unlock(&r->lock);
}

static void *follower(void *arg)
{
    struct registry *r = arg;
    bool failed = false;
    uint64_t asked;

    while (begin_look(r, &asked)) {
        struct ward_err err = {0};
        bool ok = follow(r, &err) == WARD_OK;

        end_look(r, asked);
        if (!ok && !failed)
            WARD_LOG(WARN, "the model registry in the database cannot be read",
                     WARD_KV("error", err.msg), WARD_KV("detail", err.detail));
        failed = !ok;
        bury(r, false);
        doze(r);
    }
    return NULL;
}

void registry_changed(struct diagnosis *dia, int64_t deadline_ns)
{
    const int64_t most = ward_mono_ns() + CHANGED_MS * WARD_NS_PER_MS,
                  at = deadline_ns < most ? deadline_ns : most;
    const struct timespec ts = {at / 1000000000, at % 1000000000};
    struct registry *r = dia->registry;
    uint64_t mine;

    pthread_mutex_lock(&r->lock);
    mine = ++r->asked;
    pthread_cond_broadcast(&r->wake);
    while (!r->closing && r->looked < mine &&
           pthread_cond_timedwait(&r->wake, &r->lock, &ts) == 0)
        continue;
    pthread_mutex_unlock(&r->lock);
}

/* ---- taking and leaving ---- */

enum ward_code registry_take(struct diagnosis *dia, const char *name, const char *version,
                             struct model **out, struct ward_err *err)
{
    struct registry *r = dia->registry;
    bool any = version == NULL || *version == '\0', unloaded = false;
    struct model *m = NULL;
    const struct entry *e;

    pthread_mutex_lock(&r->lock);
    e = entry_of(r, name);
    if (e != NULL) {
        unloaded = any && *e->active == '\0' && (e->configured || e->n > 0);
        m = version_of(e, any ? e->active : version);
    }
    if (m != NULL)
        m->users++;
    pthread_mutex_unlock(&r->lock);
    if (m == NULL)
        return unloaded ? WARD_FAIL_REASON(err, UNAVAILABLE, "MODEL_UNLOADED",
                                           "no version of this model is in service")
                        : WARD_FAIL_REASON(err, NOT_FOUND, "MODEL_NOT_FOUND",
                                           "no model with this name and version is loaded");
    *out = m;
    return WARD_OK;
}

int registry_take_shadows(struct diagnosis *dia, const char *name,
                          struct model *out[STATE_VERSIONS])
{
    struct registry *r = dia->registry;
    const struct entry *e;
    int n = 0;

    pthread_mutex_lock(&r->lock);
    e = entry_of(r, name);
    for (int i = 0; e != NULL && i < e->n; i++)
        if (e->at[i].shadow) {
            out[n] = e->at[i].model;
            out[n++]->users++;
        }
    pthread_mutex_unlock(&r->lock);
    return n;
}

void registry_leave(struct model *m)
{
    struct registry *r = m == NULL ? NULL : m->dia->registry;

    if (r == NULL)
        return;
    pthread_mutex_lock(&r->lock);
    m->users--;
    pthread_mutex_unlock(&r->lock);
}

/* ---- listing ---- */

int registry_list(struct diagnosis *dia, struct registry_row out[REGISTRY_ROWS])
{
    struct registry *r = dia->registry;
    int n = 0;

    pthread_mutex_lock(&r->lock);
    for (int i = 0; i < r->n; i++) {
        struct entry *e = &r->entry[i];

        for (int turn = 0; turn < 2; turn++)
            for (int k = 0; k < e->n; k++) {
                struct model *m = e->at[k].model;
                bool active = strcmp(m->version, e->active) == 0;

                if (active != (turn == 0))
                    continue;
                m->users++;
                out[n++] = (struct registry_row){m, active            ? ROLE_ACTIVE
                                                    : e->at[k].shadow ? ROLE_SHADOW
                                                                      : ROLE_STANDBY};
            }
    }
    pthread_mutex_unlock(&r->lock);
    return n;
}

int registry_versions(struct diagnosis *dia, const char *name,
                      char out[STATE_VERSIONS][STATE_NAME])
{
    struct registry *r = dia->registry;
    const struct entry *e;
    int n = 0;

    pthread_mutex_lock(&r->lock);
    e = entry_of(r, name);
    for (int i = 0; e != NULL && i < e->n; i++)
        snprintf(out[n++], STATE_NAME, "%s", e->at[i].model->version);
    pthread_mutex_unlock(&r->lock);
    return n;
}

const char *registry_label(struct diagnosis *dia, const char *name)
{
    struct registry *r = dia->registry;
    const struct entry *e;

    pthread_mutex_lock(&r->lock);
    e = entry_of(r, name);
    pthread_mutex_unlock(&r->lock);
    return e == NULL ? "other" : e->name; /* entries live as long as the process */
}

/* ---- health: the lock is held ---- */

static enum ward_code entry_state(struct entry *e, struct ward_err *err)
{
    struct model *m = version_of(e, e->active);

    if (m == NULL)
        return WARD_FAIL_REASON(err, UNAVAILABLE, "MODEL_NOT_READY",
                                "the model %s has no version in service", e->name);
    return model_state(m, err);
}

enum ward_code registry_ready(struct diagnosis *dia, struct ward_err *err)
{
    struct registry *r = dia->registry;
    enum ward_code code = WARD_OK;
    int configured = 0;

    pthread_mutex_lock(&r->lock);
    for (int i = 0; code == WARD_OK && i < r->n; i++)
        if (r->entry[i].configured) {
            configured++;
            /* An operator unloaded a model that has no active version: not a fault. */
            if (*r->entry[i].active != '\0' || r->revision == 0)
                code = entry_state(&r->entry[i], err);
        }
    pthread_mutex_unlock(&r->lock);
    if (code == WARD_OK && configured == 0 && !r->none)
        return WARD_FAIL(err, UNAVAILABLE,
                         "no models are configured: set WARD_DIAGNOSIS_MODELS, to none for a "
                         "service without models");
    return code;
}

enum ward_code registry_part(struct diagnosis *dia, int i, struct ward_err *err)
{
    struct registry *r = dia->registry;
    enum ward_code code;

    pthread_mutex_lock(&r->lock);
    code = entry_state(&r->entry[i], err);
    pthread_mutex_unlock(&r->lock);
    return code;
}

/* ---- open, close ---- */

static enum ward_code configure(struct registry *r, const char *name, const char *version,
                                struct ward_err *err)
{
    struct entry *e;

    if (!rule_name(name) || !rule_name(version))
        return WARD_FAIL(err, INVALID_ARGUMENT,
                         "WARD_DIAGNOSIS_MODELS must be none or at most %d name/version",
                         STATE_MODELS);
    if (entry_of(r, name) != NULL)
        return WARD_FAIL(err, INVALID_ARGUMENT, "WARD_DIAGNOSIS_MODELS names a model twice");
    e = add_entry(r, name);
    if (e == NULL)
        return WARD_FAIL(err, INVALID_ARGUMENT,
                         "WARD_DIAGNOSIS_MODELS names more than %d models", STATE_MODELS);
    e->configured = true;
    ward_arena_reset(&r->mem);
    return state_seed(r->db, &r->mem, name, version, err);
}

static enum ward_code read_list(struct registry *r, struct ward_err *err)
{
    char *list = ward_strdup(&r->own, r->dia->cfg.serve), *next;

    if (list == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for the models");
    r->none = strcmp(list, "none") == 0;
    for (char *one = list; !r->none && one != NULL && *one != '\0'; one = next) {
        char *slash;

        next = strchr(one, ',');
        if (next != NULL)
            *next++ = '\0';
        slash = strchr(one, '/');
        if (slash != NULL)
            *slash++ = '\0';
        WARD_TRY(configure(r, one, slash == NULL ? "" : slash, err));
    }
    return WARD_OK;
}

static enum ward_code start(struct registry *r, struct ward_err *err)
{
    WARD_TRY(ward_db_open(r->dia->db, &r->db, err));
    WARD_TRY(read_list(r, err));
    WARD_TRY(follow(r, err));
    if (pthread_create(&r->follower, NULL, follower, r) != 0)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no thread for the registry");
    r->following = true;
    return WARD_OK;
}

enum ward_code registry_open(struct diagnosis *dia, struct ward_err *err)
{
    struct ward_arena own;
    pthread_condattr_t attr;
    struct registry *r;

    ward_arena_init(&own, OWN_CAP);
    r = ward_new(&own, struct registry);
    if (r == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for the registry");
    r->own = own;
    r->dia = dia;
    ward_arena_init(&r->mem, STATE_CAP);
    pthread_mutex_init(&r->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&r->wake, &attr);
    pthread_condattr_destroy(&attr);
    dia->registry = r;
    return start(r, err);
}

void registry_close(struct diagnosis *dia)
{
    struct registry *r = dia->registry;
    struct ward_arena own;

    if (r == NULL)
        return;
    pthread_mutex_lock(&r->lock);
    r->closing = true;
    pthread_cond_broadcast(&r->wake);
    pthread_mutex_unlock(&r->lock);
    if (r->following)
        pthread_join(r->follower, NULL);
    bury(r, true);
    for (int i = 0; i < r->n; i++)
        for (int k = 0; k < r->entry[i].n; k++)
            model_free(r->entry[i].at[k].model);
    ward_db_close(r->db);
    pthread_cond_destroy(&r->wake);
    pthread_mutex_destroy(&r->lock);
    ward_arena_done(&r->mem);
    own = r->own;
    dia->registry = NULL;
    ward_arena_done(&own);
}
