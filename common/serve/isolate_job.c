/* The child's side: loads the plugin and runs its models, through common/host. */
#include "common/base/log.h"
#include "common/base/metrics.h"
#include "common/serve/isolate.h"
#include "common/serve/isolate_wire.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define MODELS     8
#define OPTIONS    8
#define OUTPUT_CAP ((size_t)256 << 20)

struct hosted {
    struct ward_backend *b;
    struct ward_option option[OPTIONS];
    char args[WARD_WORKER_ARGS];
    struct {
        struct ward_model *m;
        char name[WIRE_NAME];
    } model[MODELS];
    struct {
        struct ward_engine *e;
        struct ward_arena mem;
    } slot[WARD_WORKER_SLOTS];
};

/* ---- open ---- */

static const char *next_text(const char **at, const char *end)
{
    const char *s = *at, *nul = memchr(s, '\0', (size_t)(end - s));

    if (nul == NULL)
        return NULL;
    *at = nul + 1;
    return s;
}

/* A back end whose only device is the CPU needs no files after opening. */
static enum ward_reach reach_of(struct hosted *h)
{
    struct ward_device d[WIRE_DEVICES];
    uint32_t n = WIRE_DEVICES;

    if (ward_backend_devices(h->b, d, &n, NULL) != WARD_OK || n == 0)
        return WARD_REACH_DEVICES;
    for (uint32_t i = 0; i < n; i++)
        if (d[i].kind != WARD_CPU)
            return WARD_REACH_DEVICES;
    return WARD_REACH_NOTHING;
}

static enum ward_code open_job(const void *args, size_t n, void **state, enum ward_reach *reach,
                               struct ward_err *err)
{
    static struct hosted h;
    const char *at = h.args, *end = h.args + n, *dir, *name;
    int options = 0;

    if (n > sizeof(h.args))
        return WARD_FAIL(err, INVALID_ARGUMENT, "too many arguments for a worker process");
    memcpy(h.args, args, n);
    dir = next_text(&at, end);
    name = dir == NULL ? NULL : next_text(&at, end);
    if (name == NULL)
        return WARD_FAIL(err, INVALID_ARGUMENT, "a worker process needs a plugin");
    for (; options < OPTIONS && at < end; options++) {
        h.option[options].key = next_text(&at, end);
        h.option[options].value = at < end ? next_text(&at, end) : "";
    }
    WARD_TRY(ward_backend_open_with(dir, name, h.option, options, &h.b, err));
    *reach = reach_of(&h);
    *state = &h;
    return WARD_OK;
}

/* ---- requests ---- */

/* Sends new counters and the increase of the others to the service, and resets them. The lock
 * of the metrics is held. */
static void count_events(const struct ward_family *f, void *arg)
{
    static int sent; /* number of counters that the service has */
    int n = atomic_load(&f->n);

    (void)arg;
    if (strcmp(f->name, "ward_plugin_events_total") != 0)
        return;
    for (int i = 0; i < n; i++) {
        struct ward_series *s = atomic_load(&f->series[i]);
        double v = atomic_exchange(&s->value, 0);

        if (v > 0 || i >= sent)
            ward_job_count(s->label[0], v);
    }
    sent = n;
}

static enum ward_code list_devices(struct hosted *h, struct wire_devices *out,
                                   struct ward_err *err)
{
    uint32_t n = WIRE_DEVICES;

    memset(out, 0, sizeof(*out));
    WARD_TRY(ward_backend_devices(h->b, out->device, &n, err));
    out->n = n;
    if (n == 0)
        snprintf(out->why, sizeof(out->why), "%.191s", err->detail);
    return WARD_OK;
}

static enum ward_code load(struct hosted *h, const struct wire_load *in, int fd,
                           struct wire_loaded *out, struct ward_err *err)
{
    void *bytes = NULL;
    uint32_t at = 0;
    enum ward_code code;

    while (at < MODELS && h->model[at].m != NULL)
        at++;
    if (at == MODELS)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "a worker process has at most %d models",
                         MODELS);
    if (in->nbytes > 0)
        bytes = mmap(NULL, (size_t)in->nbytes, PROT_READ, MAP_PRIVATE, fd, 0);
    if (bytes == MAP_FAILED)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for a model");
    memcpy(h->model[at].name, in->name, sizeof(in->name));
    code = ward_model_load_bytes(h->b,
                                 &(struct ward_model_config){.name = h->model[at].name,
                                                             .sha256 = in->sha256,
                                                             .threads = (int)in->threads},
                                 bytes, in->nbytes, &h->model[at].m, err);
    if (bytes != NULL)
        munmap(bytes, (size_t)in->nbytes);
    if (code != WARD_OK)
        return code;
    memset(out, 0, sizeof(*out));
    out->model = at;
    memcpy(out->sha256, ward_model_sha256(h->model[at].m), sizeof(out->sha256));
    out->has_io = ward_model_shapes(h->model[at].m) != NULL;
    if (out->has_io != 0)
        out->io = *ward_model_shapes(h->model[at].m);
    return WARD_OK;
}

static enum ward_code make(struct hosted *h, const struct wire_new *in, struct wire_made *out,
                           struct ward_err *err)
{
    if (in->model >= MODELS || h->model[in->model].m == NULL || in->slot >= WARD_WORKER_SLOTS ||
        h->slot[in->slot].e != NULL)
        return WARD_FAIL(err, INTERNAL, "a worker process got an unknown model or slot");
    WARD_TRY(ward_engine_new(h->model[in->model].m, in->device, &h->slot[in->slot].e, err));
    ward_arena_init(&h->slot[in->slot].mem, OUTPUT_CAP);
    out->share = ward_engine_share(h->slot[in->slot].e);
    return WARD_OK;
}

static void unload(struct hosted *h, uint32_t at)
{
    if (at >= MODELS)
        return;
    ward_model_unload(h->model[at].m);
    h->model[at].m = NULL;
}

static void unmake(struct hosted *h, uint32_t at)
{
    if (at >= WARD_WORKER_SLOTS || h->slot[at].e == NULL)
        return;
    ward_engine_free(h->slot[at].e);
    ward_arena_done(&h->slot[at].mem);
    h->slot[at].e = NULL;
}

static enum ward_code answer(struct hosted *h, struct ward_job_ask *a, struct ward_err *err)
{
    uint32_t number = 0;

    switch (a->op) {
    case WIRE_DEVICES_OF:
        a->n_out = sizeof(struct wire_devices);
        return list_devices(h, a->out, err);
    case WIRE_LOAD:
        a->n_out = sizeof(struct wire_loaded);
        return load(h, a->in, a->fd, a->out, err);
    case WIRE_NEW:
        a->n_out = sizeof(struct wire_made);
        return make(h, a->in, a->out, err);
    default:
        break;
    }
    a->n_out = 0;
    memcpy(&number, a->in, sizeof(number));
    if (a->op == WIRE_UNLOAD)
        unload(h, number);
    else
        unmake(h, number);
    return WARD_OK;
}

static enum ward_code ask_job(void *state, struct ward_job_ask *a, struct ward_err *err)
{
    enum ward_code code = answer(state, a, err);

    ward_metric_each(count_events, NULL);
    return code;
}

/* ---- runs ---- */

/* Reads the inputs. The service is trusted, but a malformed head must cause an error and not a
 * crash. */
static enum ward_code inputs(const struct ward_job_call *c, const struct wire_run *head,
                             struct ward_tensor in[WARD_MAX_IO], struct ward_err *err)
{
    if (c->n_in < sizeof(*head) || head->n > WARD_MAX_IO)
        return WARD_FAIL(err, INTERNAL, "a worker process got a malformed run");
    for (uint32_t k = 0; k < head->n; k++) {
        const struct wire_tensor *w = &head->t[k];

        if (w->at > c->n_in || w->nbytes > c->n_in - w->at)
            return WARD_FAIL(err, INTERNAL, "a worker process got a malformed run");
        in[k] = (struct ward_tensor){.name = w->has_name != 0 ? w->name : NULL,
                                     .dtype = w->dtype,
                                     .rank = w->rank,
                                     .data = (void *)(uintptr_t)(c->in + w->at),
                                     .nbytes = w->nbytes};
        memcpy(in[k].shape, w->shape, sizeof(w->shape));
    }
    return WARD_OK;
}

static enum ward_code outputs(struct ward_job_call *c, const struct ward_engine *e,
                              const struct ward_tensor *out, uint32_t n, struct ward_err *err)
{
    struct ward_run_times times = ward_engine_times(e);
    uint64_t total = wire_up64(sizeof(struct wire_run)), at = total;
    unsigned char *to;
    struct wire_run *head;

    for (uint32_t k = 0; k < n; k++)
        total += wire_up64(out[k].nbytes);
    to = ward_job_answer(c, (size_t)total);
    if (to == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for the outputs");
    head = (struct wire_run *)to;
    memset(head, 0, sizeof(*head));
    head->n = n;
    head->copy_in_ns = times.copy_in_ns;
    head->compute_ns = times.compute_ns;
    head->copy_out_ns = times.copy_out_ns;
    for (uint32_t k = 0; k < n; k++) {
        struct wire_tensor *w = &head->t[k];

        w->has_name = out[k].name != NULL;
        snprintf(w->name, sizeof(w->name), "%s", out[k].name == NULL ? "" : out[k].name);
        w->dtype = out[k].dtype;
        w->rank = out[k].rank;
        memcpy(w->shape, out[k].shape, sizeof(w->shape));
        w->at = at;
        w->nbytes = out[k].nbytes;
        if (w->nbytes > 0)
            memcpy(to + at, out[k].data, w->nbytes);
        at += wire_up64(w->nbytes);
    }
    return WARD_OK;
}

static enum ward_code call_job(void *state, int slot, struct ward_job_call *c,
                               struct ward_err *err)
{
    struct hosted *h = state;
    struct ward_engine *e = h->slot[slot].e;
    const struct wire_run *head = (const struct wire_run *)c->in;
    struct ward_tensor in[WARD_MAX_IO], out[WARD_MAX_IO];
    uint32_t n = WARD_MAX_IO;
    enum ward_code code;

    if (e == NULL)
        return WARD_FAIL(err, INTERNAL, "a worker process got a run without an instance");
    WARD_TRY(inputs(c, head, in, err));
    n = head->cap_out < n ? head->cap_out : n;
    code = ward_engine_run(e, &h->slot[slot].mem, c->stop, in, head->n, out, &n, err);
    if (code == WARD_OK)
        code = outputs(c, e, out, n, err);
    else
        ward_metric_each(count_events, NULL);
    ward_arena_reset(&h->slot[slot].mem);
    return code;
}

static void stop_job(void *state, int slot)
{
    struct hosted *h = state;

    if (h->slot[slot].e != NULL)
        (void)ward_engine_interrupt(h->slot[slot].e);
}

const struct ward_job ward_plugin_job = {
    .name = "plugin", .open = open_job, .ask = ask_job, .call = call_job, .stop = stop_job};
