#include "common/rpc/server.h"

#include "common/base/clock.h"
#include "common/base/crypto.h"

#include <stdlib.h>
#include <string.h>

/* Span ids must be unique but not secret. Each thread has one generator (splitmix64), seeded
 * once. */
static uint64_t span(void)
{
    static _Thread_local uint64_t state;
    uint64_t z;

    if (state == 0)
        ward_random(&state, sizeof(state));
    z = (state += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    z ^= z >> 31;
    return z == 0 ? 1 : z; /* an all-zero id is invalid */
}

static void hex16(uint64_t v, char out[16])
{
    static const char digits[] = "0123456789abcdef";

    for (int i = 15; i >= 0; i--, v >>= 4)
        out[i] = digits[v & 15];
}

/* Returns whether s is lower-case hex digits, not all zero. */
static bool is_id(const char *s, size_t n)
{
    bool zero = true;

    for (size_t i = 0; i < n; i++) {
        if (!((s[i] >= '0' && s[i] <= '9') || (s[i] >= 'a' && s[i] <= 'f')))
            return false;
        zero = zero && s[i] == '0';
    }
    return !zero;
}

static bool is_hex(const char *s, size_t n)
{
    return strspn(s, "0123456789abcdef") >= n;
}

/* Source: https://www.w3.org/TR/trace-context-2/ 3.2. Version 00 is "00-" trace "-" span "-"
 * flags, 55 characters. Later versions may be longer, and version ff is invalid. */
static bool valid(const char *in, size_t len)
{
    char t[56];

    if (in == NULL || len < 55)
        return false;
    memcpy(t, in, 55);
    t[55] = '\0';
    if (!is_hex(t, 2) || memcmp(t, "ff", 2) == 0 || t[2] != '-' || !is_id(t + 3, 32) ||
        t[35] != '-' || !is_id(t + 36, 16) || t[52] != '-' || !is_hex(t + 53, 2))
        return false;
    return len == 55 || (memcmp(t, "00", 2) != 0 && in[55] == '-');
}

void trace_take(const char *in, size_t len, int permille, char traceparent[56],
                char trace_id[33])
{
    memcpy(traceparent, "00-", 3);
    if (valid(in, len)) {
        memcpy(traceparent + 3, in + 3, 33);
        memcpy(traceparent + 52, in + 52, 3);
    } else {
        hex16(span(), traceparent + 3);
        hex16(span(), traceparent + 19);
        traceparent[35] = '-';
        memcpy(traceparent + 52, (int)(span() % 1000) < permille ? "-01" : "-00", 3);
    }
    hex16(span(), traceparent + 36);
    traceparent[55] = '\0';
    memcpy(trace_id, traceparent + 3, 32);
    trace_id[32] = '\0';
}

static bool is_sampled(const char *traceparent)
{
    return (strtoul(traceparent + 53, NULL, 16) & 1) != 0;
}

void trace_end(const struct served *s, const struct ward_call *c, const char *in, size_t len,
               enum ward_code code)
{
    const struct ward_rpc_config *cfg = &s->rpc->cfg;
    int64_t now_us = ward_wall_us();
    char parent[17] = "";

    if (cfg->span == NULL || !is_sampled(c->traceparent) ||
        strncmp(c->method->path, "/grpc.", 6) == 0)
        return;
    if (valid(in, len))
        memcpy(parent, in + 36, 16);
    cfg->span(cfg->span_arg, &(struct ward_rpc_span){
                                 .path = c->method->path,
                                 .peer = s->peer,
                                 .traceparent = c->traceparent,
                                 .parent = parent,
                                 .began_us = now_us - (ward_mono_ns() - s->began_ns) / 1000,
                                 .ended_us = now_us,
                                 .code = code,
                             });
}
