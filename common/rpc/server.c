#include "common/rpc/core.h"

#include "common/base/log.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define MAX_DEFAULT_POLLERS 4

/* One poller for two cores: core's pollers share one epoll and wake each other, and workers
 * need cores too. On two cores, a second poller adds a fifth to the throughput of inline calls.
 * A second poller also adds a fifth to the CPU time of every call, and doubles the CPU time
 * when calls come one at a time (make bench-rpc). */
static int default_pollers(void)
{
    long half = sysconf(_SC_NPROCESSORS_ONLN) / 2;

    return half < 1 ? 1 : half > MAX_DEFAULT_POLLERS ? MAX_DEFAULT_POLLERS : (int)half;
}

static void settle_config(struct ward_rpc *rpc, const struct ward_rpc_config *cfg)
{
    rpc->cfg = *cfg;
    rpc->transport = transport_chosen();
    if (rpc->cfg.descriptors == NULL)
        rpc->cfg.descriptors = &ward_proto_set;
    if (rpc->cfg.max_message == 0)
        rpc->cfg.max_message = cfg->arena_cap;
    if (rpc->cfg.max_elements == 0)
        rpc->cfg.max_elements = WARD_WIRE_ELEMENTS;
    if (rpc->cfg.span == NULL)
        rpc->cfg.trace_permille = 1000;
    if (rpc->cfg.peer_connections == 0)
        rpc->cfg.peer_connections = 96;
    if (rpc->cfg.max_message > INT32_MAX)
        rpc->cfg.max_message = INT32_MAX;
    rpc->n_pollers = cfg->pollers > 0 ? cfg->pollers : default_pollers();
    if (rpc->n_pollers > RPC_MAX_POLLERS)
        rpc->n_pollers = RPC_MAX_POLLERS;
}

static enum ward_code open_all(struct ward_rpc *rpc, struct ward_err *err)
{
    const struct ward_rpc_config *cfg = &rpc->cfg;

    WARD_TRY(callers_new(cfg->callers, &rpc->callers, err));
    WARD_TRY(table_make(rpc, err));
    WARD_TRY(crew_start(rpc, CREW_WORKERS, cfg->workers + rpc->bedside, rpc->bedside, err));
    WARD_TRY(crew_start(rpc, CREW_STREAMS, cfg->streams, 0, err));
    WARD_TRY(crew_start(rpc, CREW_SYSTEM, RPC_SYSTEM, 0, err));
    WARD_TRY(transport_secure(cfg, &rpc->secure, err));
    WARD_TRY(rpc->transport->listen(rpc, err));
    WARD_TRY(rpc->transport->serve(rpc, err));
    if (rpc->cfg.broken == NULL)
        return WARD_OK;
    return watchdog_start(rpc, &rpc->watchdog, err);
}

enum ward_code ward_rpc_start(const struct ward_rpc_config *cfg, struct ward_rpc **out,
                              struct ward_err *err)
{
    struct ward_rpc *rpc = calloc(1, sizeof(*rpc));
    enum ward_code code;
    sigset_t all, was;

    WARD_ASSERT(rpc != NULL);
    settle_config(rpc, cfg);
    rpc->tokens = tokens_new();
    peers_init(&rpc->peers);
    ward_arena_init(&rpc->mem, SIZE_MAX / 2);
    /* Only the main thread handles signals. All threads of Ward and of the transport inherit
     * this mask. */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &was);
    code = open_all(rpc, err);
    pthread_sigmask(SIG_SETMASK, &was, NULL);
    if (code != WARD_OK) {
        ward_rpc_stop(rpc, 0);
        return code;
    }
    stats_server(rpc);
    *out = rpc;
    return WARD_OK;
}

int ward_rpc_port(const struct ward_rpc *rpc)
{
    return rpc->port;
}

void ward_rpc_serving(struct ward_rpc *rpc, const char *service, bool serving)
{
    health_set(rpc->health, service, serving);
}

/* Ends streams of reflection and of health, so that the stop does not wait for them. */
static void break_system(struct ward_rpc *rpc)
{
    health_end(rpc->health);
    for (int i = 0; i < rpc->crews[CREW_SYSTEM].n; i++)
        stream_break(rpc->crews[CREW_SYSTEM].workers[i].stream);
}

void ward_rpc_stop(struct ward_rpc *rpc, int grace_ms)
{
    if (rpc == NULL)
        return;
    stats_server(NULL);
    watchdog_stop(rpc->watchdog);
    atomic_store(&rpc->stopping, true);
    if (rpc->core != NULL || rpc->h2 != NULL) {
        rpc->transport->refuse(rpc);
        break_system(rpc);
        rpc->transport->drain(rpc, grace_ms);
    }
    for (size_t i = 0; i < WARD_COUNT(rpc->crews); i++)
        crew_stop(&rpc->crews[i]);
    if (rpc->core != NULL || rpc->h2 != NULL)
        rpc->transport->close(rpc);
    if (atomic_load(&rpc->pump) != NULL)
        core_pump_drop();
    health_free(rpc->health);
    tokens_free(rpc->tokens);
    callers_free(rpc->callers);
    peers_done(&rpc->peers);
    ward_arena_done(&rpc->mem);
    free(rpc);
}
