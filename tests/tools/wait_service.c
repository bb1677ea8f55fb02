/* wait_service - the smallest service on common/app: one method that keeps a worker busy, one
 * dependency that is there while a file is. tests/contract/app looks at it from outside. */
#include "common/app/app.h"
#include "common/base/clock.h"

#include "ward/test/v1/wait.pb-c.h"

#include <time.h>
#include <unistd.h>

typedef Ward__Test__V1__WaitRequest Request;
typedef Ward__Test__V1__WaitResponse Response;

#define MAX_SLEEP_MS 60000

struct config {
    const char *dependency;
};

static const struct ward_opt options[] = {
    {"WARD_TEST_DEPENDENCY", WARD_STR, offsetof(struct config, dependency), NULL, 0, 0, "",
     "a file; ready while it is there", false},
    WARD_OPT_END,
};

static enum ward_code wait_ms(struct ward_call *c, const Request *q, Response *r)
{
    int left = q->sleep_ms < MAX_SLEEP_MS ? q->sleep_ms : MAX_SLEEP_MS;

    (void)r;
    for (; left > 0 && !ward_call_cancelled(c); left--)
        nanosleep(&(struct timespec){.tv_nsec = WARD_NS_PER_MS}, NULL);
    return left == 0 ? WARD_OK : WARD_FAIL(c->err, CANCELLED, "cancelled while waiting");
}

WARD_UNARY(wait_ms, Request, Response)

static const struct ward_method methods[] = {
    {"/ward.test.v1.Wait/Wait", wait_ms_rpc, &ward__test__v1__wait_request__descriptor,
     &ward__test__v1__wait_response__descriptor},
    {0},
};

static enum ward_code file_is_there(void *arg, struct ward_err *err)
{
    const struct config *cfg = arg;

    return access(cfg->dependency, F_OK) == 0 ? WARD_OK
                                              : WARD_FAIL(err, UNAVAILABLE, "no such file");
}

int main(int argc, char **argv)
{
    struct config cfg = {0};
    struct ward_app app;

    ward_app_begin(&app, "wait");
    app.check_every_ms = 50;
    ward_app_config(&app, options, &cfg, argc, argv);
    ward_app_check(&app, "file", file_is_there, &cfg);
    ward_app_serve(&app, &(struct ward_rpc_config){.methods = methods});
    return ward_app_run(&app);
}
