/* trace_stand_ins.h - common/trace for the tests of app.c, which prints its calls.
 *
 * Threads: any. Memory: none. Errors: none.
 */
#ifndef WARD_TRACE_TRACE_STAND_INS_H
#define WARD_TRACE_TRACE_STAND_INS_H

#include "common/base/log.h"
#include "common/trace/trace.h"

enum ward_code ward_trace_open(const struct ward_trace_config *cfg, struct ward_trace **out,
                               struct ward_err *err)
{
    (void)err;
    WARD_LOG(INFO, "trace open", WARD_KV("endpoint", cfg->endpoint));
    *out = (struct ward_trace *)1;
    return WARD_OK;
}

void ward_trace_add(void *trace, const struct ward_rpc_span *span)
{
    (void)trace, (void)span;
}

void ward_trace_close(struct ward_trace *t)
{
    if (t != NULL)
        WARD_LOG(INFO, "trace close");
}

#endif
