/* The service's side: a table of functions that forwards to a worker process. */
#include "common/serve/isolate.h"

#include "common/serve/isolate_wire.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct isolated {
    struct ward_plugin table;
    char name[33];
    struct ward_worker *w;
    const struct ward_isolation *cfg;
    _Atomic bool grown;
};

struct far_model {
    struct isolated *at;
    uint32_t number;
    char sha256[65];
    bool has_io;
    struct ward_model_io io;
};

struct far_instance {
    struct far_model *m;
    struct ward_worker_slot *slot;
    double share;
};

/* The failure of this thread's last request, for said(). */
static _Thread_local struct ward_err last;
static _Thread_local bool blamed;

static enum ward_code said(void *plugin, int code, struct ward_err *err)
{
    (void)plugin;
    if (err != NULL)
        *err = last;
    return (enum ward_code)code;
}

bool ward_isolated_blamed(void)
{
    const bool last_run = blamed;

    blamed = false; /* otherwise, the next run could be blamed although it reached no worker */
    return last_run;
}

static int ask(struct isolated *is, uint32_t op, const void *in, size_t n_in, int fd, void *out,
               size_t n_out)
{
    struct ward_worker_ask a = {
        .op = op, .in = in, .n_in = n_in, .fd = fd, .out = out, .n_out = n_out};
    enum ward_code code;

    last = (struct ward_err){0};
    code = ward_worker_ask(is->w, &a, &last);
    if (code == WARD_OK && a.n_out != n_out)
        code = WARD_FAIL(&last, INTERNAL, "a worker process returned a malformed reply");
    return (int)code;
}

static int no_memory(void)
{
    return (int)WARD_FAIL(&last, RESOURCE_EXHAUSTED, "no memory for a worker process");
}

/* ---- devices and models ---- */

static int devices(void *plugin, struct ward_device *out, uint32_t cap, uint32_t *n,
                   struct ward_plugin_err *perr)
{
    struct wire_devices *d = malloc(sizeof(*d));
    int rc;

    if (d == NULL)
        return no_memory();
    rc = ask(plugin, WIRE_DEVICES_OF, NULL, 0, -1, d, sizeof(*d));
    if (rc == 0) {
        *n = d->n < cap ? d->n : cap;
        *n = *n < WIRE_DEVICES ? *n : WIRE_DEVICES;
        memcpy(out, d->device, *n * sizeof(*out));
        snprintf(perr->msg, sizeof(perr->msg), "%.*s", (int)sizeof(d->why) - 1, d->why);
    }
    free(d);
    return rc;
}

static bool ends_in_nul(const char *s, size_t n)
{
    return memchr(s, '\0', n) != NULL;
}

static void keep(struct far_model *m, const struct wire_loaded *l)
{
    m->number = l->model;
    m->has_io = l->has_io != 0;
    m->io = l->io;
    for (uint32_t k = 0; k < WARD_MAX_IO; k++)
        m->io.in[k].name[sizeof(m->io.in[k].name) - 1] =
            m->io.out[k].name[sizeof(m->io.out[k].name) - 1] = '\0';
    if (ends_in_nul(l->sha256, sizeof(l->sha256)))
        memcpy(m->sha256, l->sha256, sizeof(m->sha256));
}

static int model_load(void *plugin, const struct ward_model_spec *spec, void **model,
                      struct ward_plugin_err *perr)
{
    struct wire_load load = {.nbytes = spec->nbytes, .threads = spec->threads};
    struct wire_loaded *reply = malloc(sizeof(*reply));
    struct far_model *m = calloc(1, sizeof(*m));
    int fd = -1, rc = 0;

    (void)perr;
    if (reply == NULL || m == NULL) {
        free(reply);
        free(m);
        return no_memory();
    }
    m->at = plugin;
    snprintf(load.name, sizeof(load.name), "%s", spec->name);
    memcpy(load.sha256, spec->sha256, sizeof(load.sha256));
    if (spec->nbytes > 0)
        rc = (int)ward_worker_file(spec->data, (size_t)spec->nbytes, &fd, &last);
    if (rc == 0)
        rc = ask(plugin, WIRE_LOAD, &load, sizeof(load), fd, reply, sizeof(*reply));
    if (fd >= 0)
        close(fd);
    if (rc == 0) {
        keep(m, reply);
        *model = m;
    } else {
        free(m);
    }
    free(reply);
    return rc;
}

static int model_info(void *model, struct ward_model_info *info)
{
    const struct far_model *m = model;

    memcpy(info->sha256, m->sha256, sizeof(info->sha256));
    snprintf(info->version, sizeof(info->version), "worker");
    return 0;
}

static int model_io(void *model, struct ward_model_io *io)
{
    const struct far_model *m = model;

    if (!m->has_io)
        return WARD_UNIMPLEMENTED;
    *io = m->io;
    return 0;
}

static void model_free(void *model)
{
    struct far_model *m = model;

    (void)ask(m->at, WIRE_UNLOAD, &m->number, sizeof(m->number), -1, NULL, 0);
    free(m);
}

/* ---- instances ---- */

static void instance_free(void *instance)
{
    struct far_instance *i = instance;
    uint32_t slot;

    if (i->slot != NULL) {
        slot = (uint32_t)ward_worker_slot_number(i->slot);
        (void)ask(i->m->at, WIRE_FREE, &slot, sizeof(slot), -1, NULL, 0);
    }
    ward_worker_slot_close(i->slot);
    free(i);
}

static int instance_new(void *model, int32_t device, void **instance,
                        struct ward_plugin_err *perr)
{
    struct far_instance *i = calloc(1, sizeof(*i));
    struct far_model *m = model;
    struct wire_new new = {.model = m->number, .device = device};
    struct wire_made made;
    int rc;

    (void)perr;
    if (i == NULL)
        return no_memory();
    i->m = m;
    last = (struct ward_err){0};
    rc = (int)ward_worker_slot_open(m->at->w, &i->slot, &last);
    if (rc == 0) {
        new.slot = (uint32_t)ward_worker_slot_number(i->slot);
        rc = ask(m->at, WIRE_NEW, &new, sizeof(new), -1, &made, sizeof(made));
    }
    if (rc != 0) {
        ward_worker_slot_close(i->slot);
        free(i);
        return rc;
    }
    i->share = made.share >= 0 && made.share <= 1 ? made.share : 0;
    *instance = i;
    return 0;
}

static int placement(void *instance, struct ward_placement *out)
{
    const struct far_instance *i = instance;

    out->nodes_all = 1000000;
    out->nodes_device = (uint32_t)(i->share * 1000000 + 0.5);
    return 0;
}

/* The host never calls this function for an instance that it is freeing. */
static void interrupt(void *instance)
{
    struct far_instance *i = instance;

    ward_worker_stop(i->slot);
}

/* ---- runs ---- */

static uint64_t size_of_inputs(const struct ward_run *r)
{
    uint64_t n = wire_up64(sizeof(struct wire_run));

    for (uint32_t k = 0; k < r->n_in; k++)
        n += wire_up64(r->in[k].nbytes);
    return n;
}

static void put_inputs(const struct ward_run *r, unsigned char *room)
{
    struct wire_run *head = (struct wire_run *)room;
    uint64_t at = wire_up64(sizeof(*head));

    memset(head, 0, offsetof(struct wire_run, t));
    head->n = r->n_in;
    head->cap_out = r->cap_out < WARD_MAX_IO ? r->cap_out : WARD_MAX_IO;
    for (uint32_t k = 0; k < r->n_in; k++) {
        const struct ward_tensor *t = &r->in[k];
        struct wire_tensor *w = &head->t[k];

        memset(w, 0, sizeof(*w));
        w->has_name = t->name != NULL;
        snprintf(w->name, sizeof(w->name), "%s", t->name == NULL ? "" : t->name);
        w->dtype = t->dtype;
        w->rank = t->rank;
        memcpy(w->shape, t->shape, sizeof(w->shape));
        w->at = at;
        w->nbytes = t->nbytes;
        if (t->nbytes > 0)
            memcpy(room + at, t->data, t->nbytes);
        at += wire_up64(t->nbytes);
    }
}

/* Returns the model's own text for this output's name, or otherwise a copy in the call's
 * memory. */
static const char *name_of(const struct far_model *m, const struct ward_run *r,
                           const struct wire_tensor *w)
{
    size_t n = strnlen(w->name, sizeof(w->name) - 1);
    char *copy;

    for (uint32_t k = 0; m->has_io && k < m->io.n_out && k < WARD_MAX_IO; k++)
        if (strncmp(m->io.out[k].name, w->name, sizeof(w->name)) == 0)
            return m->io.out[k].name;
    copy = r->alloc(r->ctx, n + 1);
    if (copy != NULL)
        memcpy(copy, w->name, n);
    return copy;
}

static int take_output(const struct far_model *m, struct ward_run *r,
                       const struct ward_answer *a, const struct wire_tensor *w,
                       struct ward_tensor *t)
{
    if (w->at > a->n || w->nbytes > a->n - w->at || w->rank > WARD_MAX_RANK)
        return (int)WARD_FAIL(&last, INTERNAL, "a worker process returned a malformed answer");
    *t = (struct ward_tensor){.dtype = w->dtype, .rank = w->rank, .nbytes = w->nbytes};
    memcpy(t->shape, w->shape, sizeof(t->shape));
    t->data = r->alloc(r->ctx, w->nbytes);
    t->name = w->has_name == 0 ? NULL : name_of(m, r, w);
    if (t->data == NULL || (w->has_name != 0 && t->name == NULL))
        return no_memory();
    memcpy(t->data, a->data + w->at, w->nbytes);
    return 0;
}

/* Copies the head before checking it, because the child may still write to it. */
static int take_outputs(const struct far_model *m, struct ward_run *r,
                        const struct ward_answer *a)
{
    struct wire_run head;

    if (a->n < sizeof(head))
        return (int)WARD_FAIL(&last, INTERNAL, "a worker process returned a malformed answer");
    memcpy(&head, a->data, sizeof(head));
    if (head.n > r->cap_out || head.n > WARD_MAX_IO)
        return (int)WARD_FAIL(&last, INTERNAL, "a worker process returned too many outputs");
    for (uint32_t k = 0; k < head.n; k++) {
        int rc = take_output(m, r, a, &head.t[k], &r->out[k]);

        if (rc != 0)
            return rc;
    }
    r->n_out = head.n;
    r->times = (struct ward_run_times){head.copy_in_ns, head.compute_ns, head.copy_out_ns};
    return 0;
}

static bool cancelled(const void *run)
{
    const struct ward_run *r = run;

    return r->cancelled(r->ctx) != 0;
}

static int run(void *instance, struct ward_run *r, struct ward_plugin_err *perr)
{
    struct far_instance *i = instance;
    const struct ward_stop stop = {INT64_MAX, cancelled, r};
    struct ward_answer a;
    unsigned char *room;
    uint64_t n;
    enum ward_code code;

    (void)perr;
    last = (struct ward_err){0};
    blamed = false;
    if (r->n_in > WARD_MAX_IO)
        return (int)WARD_FAIL(&last, INVALID_ARGUMENT, "a run must have at most %d inputs",
                              WARD_MAX_IO);
    n = size_of_inputs(r);
    room = ward_worker_room(i->slot, (size_t)n, &last);
    if (room == NULL)
        return (int)last.code;
    put_inputs(r, room);
    code = ward_worker_call(i->slot, WIRE_RUN, (size_t)n, &stop, &a, &last);
    blamed = ward_worker_blamed(i->slot);
    return code == WARD_OK ? take_outputs(i->m, r, &a) : (int)code;
}

/* ---- the back end ---- */

static void news(void *arg, enum ward_worker_news what, const char *name, double n)
{
    struct isolated *is = arg;

    if (what == WARD_WORKER_COUNT) {
        ward_plugin_event(name, n);
        return;
    }
    if (what == WARD_WORKER_GROWN)
        atomic_store(&is->grown, true);
    if (is->cfg->look != NULL)
        is->cfg->look(is->cfg->arg, 0);
}

static int open_table(const struct ward_host *host, void **plugin, struct ward_plugin_err *err)
{
    (void)host, (void)plugin, (void)err;
    return WARD_INTERNAL; /* never called: ward_backend_of does not open plugins */
}

static void close_table(void *plugin)
{
    struct isolated *is = plugin;

    ward_worker_close(is->w);
    free(is);
}

static void fill(struct isolated *is, const char *name)
{
    snprintf(is->name, sizeof(is->name), "%s", name);
    is->table = (struct ward_plugin){.size = sizeof(is->table),
                                     .major = WARD_PLUGIN_MAJOR,
                                     .minor = WARD_PLUGIN_MINOR,
                                     .name = is->name,
                                     .version = "worker",
                                     .open = open_table,
                                     .close = close_table,
                                     .devices = devices,
                                     .model_load = model_load,
                                     .model_info = model_info,
                                     .model_free = model_free,
                                     .instance_new = instance_new,
                                     .run = run,
                                     .instance_free = instance_free,
                                     .model_io = model_io,
                                     .interrupt = interrupt,
                                     .placement = placement};
}

/* Packs the arguments as "dir\0name\0key\0value\0...". Returns their length; 0: too long. */
static size_t pack(const struct ward_isolated_plugin *p, char out[WARD_WORKER_ARGS])
{
    size_t used = 0;

    for (int i = -1; i < p->n_options; i++) {
        const char *a = i < 0 ? p->dir : p->options[i].key;
        const char *b = i < 0 ? p->name : p->options[i].value;
        size_t n = strlen(a) + strlen(b) + 2;

        if (n > WARD_WORKER_ARGS - used)
            return 0;
        memcpy(out + used, a, strlen(a) + 1);
        memcpy(out + used + strlen(a) + 1, b, strlen(b) + 1);
        used += n;
    }
    return used;
}

enum ward_code ward_isolated_open(const struct ward_isolation *cfg,
                                  const struct ward_isolated_plugin *plugin,
                                  struct ward_backend **out, struct ward_err *err)
{
    struct isolated *is = calloc(1, sizeof(*is));
    char args[WARD_WORKER_ARGS], name[64];
    size_t n = pack(plugin, args);
    struct ward_worker_config how = {.job = ward_plugin_job.name,
                                     .name = name,
                                     .args = args,
                                     .n_args = n,
                                     .budget_bytes = cfg->budget_bytes,
                                     .most_bytes = cfg->most_bytes,
                                     .ask_ms = cfg->load_ms,
                                     .start_ms = cfg->load_ms,
                                     .run_ms = cfg->run_ms,
                                     .grace_ms = cfg->grace_ms,
                                     .news = news,
                                     .arg = is};
    enum ward_code code;

    if (is == NULL || n == 0) {
        free(is);
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for a worker process");
    }
    is->cfg = cfg;
    fill(is, plugin->name);
    snprintf(name, sizeof(name), "%.50s %.12s", plugin->label, plugin->name);
    code = ward_worker_start(&how, &is->w, err);
    if (code == WARD_OK)
        code = ward_backend_of(&is->table, is, said, out, err);
    if (code != WARD_OK)
        close_table(is);
    return code;
}

struct ward_worker *ward_isolated_worker(const struct ward_backend *b)
{
    const struct isolated *is = b == NULL ? NULL : ward_backend_plugin(b, said);

    return is == NULL ? NULL : is->w;
}

bool ward_isolated_grown(const struct ward_backend *b)
{
    struct isolated *is = b == NULL ? NULL : ward_backend_plugin(b, said);

    return is != NULL && atomic_load(&is->grown);
}
