#include "common/rpc/core.h"

#include "common/base/log.h"

#include <grpc/compression.h>
#include <grpc/support/log.h>
#include <stdatomic.h>
#include <string.h>

#define MAX_STREAMS  1000  /* limit of concurrent calls on one connection */
#define MAX_META     16384 /* bytes of a call's metadata; a token may take half */
#define HANDSHAKE_MS 5000
#define KEEPALIVE_MS 60000
#define LOG_GAP_NS   INT64_C(1000000000)
#define ARG_INT(k, v)                                                                          \
    {                                                                                          \
        .type = GRPC_ARG_INTEGER, .key = (char *)(uintptr_t)(k), .value.integer = (v)          \
    }

static int or_else(int v, int fallback)
{
    return v > 0 ? v : fallback;
}

grpc_server *args_server(const struct ward_rpc_config *cfg)
{
    grpc_arg args[16] = {
        /* Otherwise, two servers could share a port unnoticed. */
        ARG_INT(GRPC_ARG_ALLOW_REUSEPORT, 0),
        ARG_INT(GRPC_ARG_MAX_RECEIVE_MESSAGE_LENGTH, (int)cfg->max_message),
        ARG_INT(GRPC_ARG_MAX_METADATA_SIZE, MAX_META),
        ARG_INT(GRPC_ARG_MAX_CONCURRENT_STREAMS, MAX_STREAMS),
        ARG_INT(GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS, or_else(cfg->handshake_ms, HANDSHAKE_MS)),
        ARG_INT(GRPC_ARG_KEEPALIVE_TIME_MS, or_else(cfg->keepalive_ms, KEEPALIVE_MS)),
        ARG_INT(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 20000),
        /* Accept keepalive pings without calls. */
        ARG_INT(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1),
        ARG_INT(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, 10000),
        /* A few compressed bytes can expand to a huge message, so compressed messages are
         * rejected. */
        ARG_INT(GRPC_COMPRESSION_CHANNEL_ENABLED_ALGORITHMS_BITSET, 1 << GRPC_COMPRESS_NONE),
        ARG_INT(GRPC_ARG_ENABLE_CHANNELZ, 0),
    };
    size_t n = 11;

    if (cfg->max_age_ms > 0)
        args[n++] = (grpc_arg)ARG_INT(GRPC_ARG_MAX_CONNECTION_AGE_MS, cfg->max_age_ms);
    if (cfg->max_age_grace_ms > 0) /* otherwise, calls in progress have no limit */
        args[n++] =
            (grpc_arg)ARG_INT(GRPC_ARG_MAX_CONNECTION_AGE_GRACE_MS, cfg->max_age_grace_ms);
    return grpc_server_create(&(grpc_channel_args){.num_args = n, .args = args}, NULL);
}

/* Turns off abseil's lock-order checker. Debian's build enables it, at a cost of a few percent
 * of all CPU time. */
extern void absl_deadlock_mode(int mode) __asm__(
    "_ZN4absl7debian329SetMutexDeadlockDetectionModeENS0_15OnDeadlockCycleE")
    __attribute__((weak));

static atomic_bool accept_failed;

bool args_accept_failed(void)
{
    return atomic_load(&accept_failed);
}

/* A peer can cause any number of core's error messages, so at most one line per second is
 * logged. */
static void log_core(gpr_log_func_args *args)
{
    static _Atomic int64_t last;
    static atomic_uint hidden;
    int64_t now = ward_mono_ns();
    int64_t was = atomic_load(&last);

    if (args->severity != GPR_LOG_SEVERITY_ERROR)
        return;
    if (strstr(args->message, "accept4") != NULL)
        atomic_store(&accept_failed, true);
    if (now - was < LOG_GAP_NS || !atomic_compare_exchange_strong(&last, &was, now)) {
        atomic_fetch_add(&hidden, 1);
        return;
    }
    WARD_LOG(WARN, "grpc core", WARD_KV("detail", args->message),
             WARD_KN("more", atomic_exchange(&hidden, 0)));
}

void args_quiet(void)
{
    atomic_store(&accept_failed, false);
    if (absl_deadlock_mode != NULL)
        absl_deadlock_mode(0);
    gpr_set_log_function(log_core);
}
