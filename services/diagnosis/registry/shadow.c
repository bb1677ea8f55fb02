#include "services/diagnosis/registry/shadow.h"

#include "common/base/clock.h"
#include "common/base/log.h"
#include "services/diagnosis/metrics.h"
#include "services/diagnosis/registry/registry.h"

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#define OWN_CAP     ((size_t)64 << 10)
#define DEADLINE_MS 30000

typedef Ward__Diagnosis__V1__InferRequest InferRequest;

/* One input for one shadow. */
struct job {
    struct ward_arena mem; /* contains the packed request */
    struct model *shadow;
    char active[STATE_NAME];
    enum outcome outcome; /* outcome of the active version */
    double probability;
    const uint8_t *request;
    size_t n;
};

struct shadows {
    struct ward_arena own, mem, db_mem; /* mem: for one input's pixels */
    struct diagnosis *dia;
    struct ward_db *db;
    pthread_t thread;
    bool running;

    pthread_mutex_t lock; /* guards the following members */
    pthread_cond_t more;
    bool closing;
    size_t bytes; /* total size of the waiting jobs */
    int first, n;
    struct job job[SHADOW_JOBS];
};

static void job_end(struct job *j)
{
    registry_leave(j->shadow);
    ward_arena_done(&j->mem);
}

/* ---- offering an input ---- */

/* Packs only the input, without patient and encounter. */
static bool pack(const InferRequest *req, struct job *j)
{
    InferRequest input = WARD__DIAGNOSIS__V1__INFER_REQUEST__INIT;
    uint8_t *bytes;

    input.input_case = req->input_case;
    if (req->input_case == WARD__DIAGNOSIS__V1__INFER_REQUEST__INPUT_IMAGE)
        input.image = req->image;
    else
        input.features = req->features;
    j->n = protobuf_c_message_get_packed_size(&input.base);
    ward_arena_init(&j->mem, j->n + 256);
    bytes = ward_alloc(&j->mem, j->n);
    if (bytes == NULL) {
        ward_arena_done(&j->mem);
        return false;
    }
    protobuf_c_message_pack(&input.base, bytes);
    j->request = bytes;
    return true;
}

static bool put(struct shadows *s, const struct job *j)
{
    bool room;

    pthread_mutex_lock(&s->lock);
    room = s->n < SHADOW_JOBS && s->bytes + j->n <= SHADOW_BYTES && !s->closing;
    if (room) {
        s->job[(s->first + s->n++) % SHADOW_JOBS] = *j;
        s->bytes += j->n;
        pthread_cond_signal(&s->more);
    }
    pthread_mutex_unlock(&s->lock);
    return room;
}

void shadows_offer(struct diagnosis *dia, const struct model *active, const InferRequest *req,
                   const struct said *said)
{
    struct model *shadow[STATE_VERSIONS];
    int n = registry_take_shadows(dia, active->name, shadow);

    for (int i = 0; i < n; i++) {
        struct job j = {
            .shadow = shadow[i],
            .outcome = rule_outcome(said->abstains, said->probability, active->is.threshold),
            .probability = said->probability};

        snprintf(j.active, sizeof(j.active), "%s", active->version);
        if (!pack(req, &j)) {
            registry_leave(shadow[i]);
            continue;
        }
        if (!put(dia->shadows, &j)) {
            diagnosis_count_shadow(shadow[i]->label, SHADOW_DROPPED);
            job_end(&j);
        }
    }
}

/* ---- comparing ---- */

static void compare(const struct job *j, const struct said *said, struct compared *c)
{
    enum outcome own = rule_outcome(said->abstains, said->probability, j->shadow->is.threshold);
    double off = fabs(said->probability - j->probability);

    c->compared = 1;
    c->agreed = own == j->outcome;
    c->abstained_apart = (own == OUTCOME_ABSTAINED) != (j->outcome == OUTCOME_ABSTAINED);
    if (own == OUTCOME_ABSTAINED || j->outcome == OUTCOME_ABSTAINED)
        return;
    c->both_answered = 1;
    c->difference_sum = c->difference_max = off;
}

static void ask(struct shadows *s, struct job *j)
{
    const struct ward_stop stop = {.deadline_ns =
                                       ward_mono_ns() + DEADLINE_MS * WARD_NS_PER_MS};
    struct compared c = {.failed = 0};
    struct ward_err err = {0};
    ProtobufCMessage *req;
    struct said said;

    memcpy(c.active, j->active, sizeof(c.active));
    req = protobuf_c_message_unpack(&ward__diagnosis__v1__infer_request__descriptor, NULL, j->n,
                                    j->request);
    if (req != NULL && model_answer(j->shadow, (const InferRequest *)req, WARD_BULK, &s->mem,
                                    &stop, &said, &err) == WARD_OK)
        compare(j, &said, &c);
    else
        c.failed = 1;
    if (req != NULL)
        protobuf_c_message_free_unpacked(req, NULL);
    ward_arena_reset(&s->mem);
    diagnosis_count_shadow(j->shadow->label, c.failed   ? SHADOW_FAILED
                                             : c.agreed ? SHADOW_AGREED
                                                        : SHADOW_DIFFERED);
    ward_arena_reset(&s->db_mem);
    ward_db_deadline(s->db, WARD_NO_DEADLINE);
    if (state_compare(s->db, &s->db_mem, j->shadow->name, j->shadow->version, &c, &err) !=
        WARD_OK)
        WARD_LOG(WARN, "a shadow's comparison was not counted",
                 WARD_KV("model", j->shadow->label), WARD_KV("error", err.msg));
}

static bool next(struct shadows *s, struct job *j)
{
    pthread_mutex_lock(&s->lock);
    while (s->n == 0 && !s->closing)
        pthread_cond_wait(&s->more, &s->lock);
    if (s->closing) {
        pthread_mutex_unlock(&s->lock);
        return false;
    }
    *j = s->job[s->first];
    s->first = (s->first + 1) % SHADOW_JOBS;
    s->n--;
    s->bytes -= j->n;
    pthread_mutex_unlock(&s->lock);
    return true;
}

static void *work(void *arg)
{
    struct shadows *s = arg;
    struct job j;

    while (next(s, &j)) {
        ask(s, &j);
        job_end(&j);
    }
    return NULL;
}

/* ---- open, close ---- */

enum ward_code shadows_open(struct diagnosis *dia, struct ward_err *err)
{
    struct ward_arena own;
    struct shadows *s;

    ward_arena_init(&own, OWN_CAP);
    s = ward_new(&own, struct shadows);
    if (s == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for the shadows");
    s->own = own;
    s->dia = dia;
    ward_arena_init(&s->mem, DIAGNOSIS_ARENA);
    ward_arena_init(&s->db_mem, OWN_CAP);
    pthread_mutex_init(&s->lock, NULL);
    pthread_cond_init(&s->more, NULL);
    dia->shadows = s;
    WARD_TRY(ward_db_open(dia->db, &s->db, err));
    if (pthread_create(&s->thread, NULL, work, s) != 0)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no thread for the shadows");
    s->running = true;
    return WARD_OK;
}

void shadows_close(struct diagnosis *dia)
{
    struct shadows *s = dia->shadows;
    struct ward_arena own;

    if (s == NULL)
        return;
    pthread_mutex_lock(&s->lock);
    s->closing = true;
    pthread_cond_signal(&s->more);
    pthread_mutex_unlock(&s->lock);
    if (s->running)
        pthread_join(s->thread, NULL);
    for (; s->n > 0; s->n--, s->first = (s->first + 1) % SHADOW_JOBS)
        job_end(&s->job[s->first]);
    ward_db_close(s->db);
    pthread_cond_destroy(&s->more);
    pthread_mutex_destroy(&s->lock);
    ward_arena_done(&s->mem);
    ward_arena_done(&s->db_mem);
    own = s->own;
    dia->shadows = NULL;
    ward_arena_done(&own);
}
