#include "common/rpc/server.h"

#include "grpc/health/v1/health.pb-c.h"
#include "grpc/reflection/v1/reflection.pb-c.h"
#include "grpc/reflection/v1alpha/reflection.pb-c.h"

#include <string.h>

#define HEALTH  "grpc.health.v1.Health"
#define REFLECT "grpc.reflection.v1.ServerReflection"
#define REFLALF "grpc.reflection.v1alpha.ServerReflection"

static const struct ward_method_info CHECK = {.path = "/" HEALTH "/Check",
                                              .service = HEALTH,
                                              .idempotent = true,
                                              .lane = WARD_LANE_INLINE};
static const struct ward_method_info WATCH = {.path = "/" HEALTH "/Watch",
                                              .service = HEALTH,
                                              .server_streaming = true,
                                              .idempotent = true,
                                              .lane = WARD_LANE_INLINE};
static const struct ward_method_info REFLECTION = {.path = "/" REFLECT "/ServerReflectionInfo",
                                                   .service = REFLECT,
                                                   .client_streaming = true,
                                                   .server_streaming = true,
                                                   .idempotent = true,
                                                   .lane = WARD_LANE_STREAM};
static const struct ward_method_info REFLECTION_ALPHA = {.path = "/" REFLALF
                                                                 "/ServerReflectionInfo",
                                                         .service = REFLALF,
                                                         .client_streaming = true,
                                                         .server_streaming = true,
                                                         .idempotent = true,
                                                         .lane = WARD_LANE_STREAM};
static const struct ward_method_info UNKNOWN = {.path = "unknown", .service = "unknown"};

/* What every server answers. */
static void add_built_in(struct ward_rpc *rpc)
{
    struct method *m = rpc->methods + rpc->n_methods;

    *m++ = (struct method){.info = &CHECK,
                           .fn = health_check,
                           .req = &grpc__health__v1__health_check_request__descriptor,
                           .resp = &grpc__health__v1__health_check_response__descriptor,
                           .svc = rpc->health};
    *m++ = (struct method){.info = &WATCH,
                           .async = health_watch,
                           .req = &grpc__health__v1__health_check_request__descriptor,
                           .resp = &grpc__health__v1__health_check_response__descriptor,
                           .svc = rpc->health};
    *m++ =
        (struct method){.info = &REFLECTION,
                        .fn = ward_reflect_v1,
                        .req = &grpc__reflection__v1__server_reflection_request__descriptor,
                        .resp = &grpc__reflection__v1__server_reflection_response__descriptor,
                        .svc = &rpc->reflection,
                        .crew = &rpc->crews[CREW_SYSTEM]};
    *m++ = (struct method){
        .info = &REFLECTION_ALPHA,
        .fn = ward_reflect_v1alpha,
        .req = &grpc__reflection__v1alpha__server_reflection_request__descriptor,
        .resp = &grpc__reflection__v1alpha__server_reflection_response__descriptor,
        .svc = &rpc->reflection,
        .crew = &rpc->crews[CREW_SYSTEM]};
    for (struct method *b = rpc->methods + rpc->n_methods; b != m; b++) {
        b->system = true;
        b->lane = QUEUE_BULK;
    }
    rpc->n_methods = (int)(m - rpc->methods);
}

static enum ward_code add_own(struct ward_rpc *rpc, const struct ward_method *row,
                              const struct ward_method_info *info, struct ward_err *err)
{
    struct method *m = &rpc->methods[rpc->n_methods++];
    bool streams = info->client_streaming || info->server_streaming;

    if (streams && info->lane != WARD_LANE_STREAM)
        return WARD_FAIL(err, FAILED_PRECONDITION, "%s streams, so its lane must be STREAM",
                         info->path);
    *m = (struct method){
        .info = info, .fn = row->fn, .req = row->req, .resp = row->resp, .svc = rpc->cfg.svc};
    if (info->lane == WARD_LANE_WORKER || info->lane == WARD_LANE_BEDSIDE)
        m->crew = &rpc->crews[CREW_WORKERS];
    else if (info->lane == WARD_LANE_STREAM)
        m->crew = &rpc->crews[CREW_STREAMS];
    else if (info->audited) /* nothing on the poll thread may write to a database */
        return WARD_FAIL(err, FAILED_PRECONDITION,
                         "%s is audited, so its lane must not be INLINE", info->path);
    m->lane = info->lane == WARD_LANE_BEDSIDE ? QUEUE_BEDSIDE : QUEUE_BULK;
    rpc->bedside = rpc->bedside || m->lane == QUEUE_BEDSIDE;
    if (m->crew == &rpc->crews[CREW_WORKERS] && rpc->cfg.workers < 1)
        return WARD_FAIL(err, FAILED_PRECONDITION, "%s needs a worker", info->path);
    if (info->lane == WARD_LANE_STREAM && rpc->cfg.streams < 1)
        return WARD_FAIL(err, FAILED_PRECONDITION, "%s needs a stream worker", info->path);
    return WARD_OK;
}

/* The names of the services in the table, NULL at the end. */
static const char **services_of(struct ward_rpc *rpc, const struct ward_method_info **infos,
                                int n)
{
    const char **names = ward_alloc(&rpc->mem, sizeof(*names) * ((size_t)n + 4));
    int k = 0;

    WARD_ASSERT(names != NULL);
    for (int i = 0; i < n; i++) {
        bool seen = false;

        for (int j = 0; j < k && !seen; j++)
            seen = strcmp(names[j], infos[i]->service) == 0;
        if (!seen)
            names[k++] = infos[i]->service;
    }
    return names;
}

static void list_for_reflection(struct ward_rpc *rpc, const char *const *own)
{
    static const char *const built_in[] = {HEALTH, REFLECT, REFLALF};
    const char **all;
    size_t n = 0;

    while (own[n] != NULL)
        n++;
    all = ward_alloc(&rpc->mem, sizeof(*all) * (n + WARD_COUNT(built_in) + 1));
    WARD_ASSERT(all != NULL);
    memcpy(all, own, n * sizeof(*all));
    memcpy(all + n, built_in, sizeof(built_in));
    rpc->reflection = (struct ward_reflection){.set = rpc->set, .services = all};
}

enum ward_code table_make(struct ward_rpc *rpc, struct ward_err *err)
{
    const struct ward_rpc_config *cfg = &rpc->cfg;
    const struct ward_method_info **infos;
    const char **services;
    bool streams = false;
    int n;

    WARD_TRY(ward_set_parse(cfg->descriptors, &rpc->mem, &rpc->set, err));
    WARD_TRY(ward_set_bind(rpc->set, cfg->methods, &infos, &n, &rpc->mem, err));
    rpc->methods = ward_alloc(&rpc->mem, sizeof(*rpc->methods) * ((size_t)n + 4));
    WARD_ASSERT(rpc->methods != NULL);
    services = services_of(rpc, infos, n);
    rpc->health = health_new(services, cfg->parts);
    list_for_reflection(rpc, services);
    for (int i = 0; i < n; i++) {
        WARD_TRY(add_own(rpc, &cfg->methods[i], infos[i], err));
        streams = streams || infos[i]->lane == WARD_LANE_STREAM;
    }
    if (!streams)
        rpc->cfg.streams = 0; /* idle workers would each hold a database connection */
    add_built_in(rpc);
    rpc->unknown = (struct method){.info = &UNKNOWN};
    stats_of("unknown", "unknown", &rpc->unknown.stats);
    for (int i = 0; i < rpc->n_methods; i++) {
        struct method *m = &rpc->methods[i];

        m->n_path = strlen(m->info->path);
        stats_of(m->info->service, strrchr(m->info->path, '/') + 1, &m->stats);
    }
    return WARD_OK;
}

struct method *table_find(struct ward_rpc *rpc, const char *path, size_t len)
{
    for (int i = 0; i < rpc->n_methods; i++)
        if (rpc->methods[i].n_path == len && memcmp(rpc->methods[i].info->path, path, len) == 0)
            return &rpc->methods[i];
    return &rpc->unknown;
}
