#include "common/rpc/h2/h2.h"

static atomic_int conns;

static double read_conns(void)
{
    return atomic_load(&conns);
}

static struct ward_family open_conns = {
    .name = "ward_rpc_connections",
    .help = "Number of open connections, including connections during their handshake.",
    .type = WARD_GAUGE,
    .read = read_conns};
static struct ward_family refused = {
    .name = "ward_rpc_connections_refused_total",
    .help = "Number of connections closed before their first call: limit reached, handshake "
            "failed, or handshake too slow.",
    .type = WARD_COUNTER,
    .label = {"why"}};
static struct ward_family ended = {.name = "ward_rpc_connections_ended_total",
                                   .help = "Number of connections that the server closed "
                                           "because of the peer's behaviour, by cause.",
                                   .type = WARD_COUNTER,
                                   .label = {"why"}};
WARD_METRIC_LISTED(open_conns)
WARD_METRIC_LISTED(refused)
WARD_METRIC_LISTED(ended)

void h2_stat_conn(int n)
{
    atomic_fetch_add(&conns, n);
}

void h2_stat_refused(const char *why)
{
    ward_metric_add(ward_series_of(&refused, why, NULL, NULL), 1);
}

void h2_stat_ended(const char *why)
{
    ward_metric_add(ward_series_of(&ended, why, NULL, NULL), 1);
}
