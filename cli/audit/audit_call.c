#include "cli/audit/audit_call.h"

#include "common/base/clock.h"
#include "common/base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define MEM_CAP ((size_t)64 << 20)

enum ward_code audit_begin(struct audit_task *t, const struct cli *cli,
                           const char *const *roles)
{
    char *token = NULL;

    *t = (struct audit_task){.cli = cli};
    ward_arena_init(&t->mem, MEM_CAP);
    WARD_TRY(cli_connect(cli, "audit", &t->client, &t->err));
    if (roles != NULL)
        WARD_TRY(cli_bearer(cli, roles, "HOPERAT", "", &t->mem, &token, &t->err));
    t->with.token = token;
    return WARD_OK;
}

int audit_end(struct audit_task *t, enum ward_code code)
{
    int status = code == WARD_OK ? 0 : cli_fail(t->cli, &t->err);

    ward_client_close(t->client);
    ward_arena_done(&t->mem);
    return status;
}

enum ward_code audit_ask(struct audit_task *t, const char *path, const ProtobufCMessage *req,
                         const ProtobufCMessageDescriptor *resp_type, ProtobufCMessage **resp)
{
    return ward_client_call(t->client, path, &t->with, req, resp_type, resp, &t->mem, &t->err);
}

static const char *outcome(const Ward__Audit__V1__Event *e)
{
    static const char *const names[] = {"?", "SUCCESS", "FAILURE", "REFUSED"};

    return e == NULL || (unsigned)e->outcome > 3 ? "?" : names[e->outcome];
}

static void print_json(struct cli_json *j, const Ward__Audit__V1__Record *r)
{
    const Ward__Audit__V1__Event *e = r->event;
    char at[28];

    cli_json_open(j, NULL, '{');
    cli_json_int(j, "index", (int64_t)r->index);
    cli_json_text(j, "event_id", r->event_id);
    cli_json_text(j, "service", r->service);
    ward_rfc3339(r->appended_at_us, at);
    cli_json_text(j, "appended_at", at);
    cli_json_bool(j, "erased", r->erased);
    if (e != NULL) {
        ward_rfc3339(e->occurred_at_us, at);
        cli_json_text(j, "occurred_at", at);
        cli_json_text(j, "action", e->action);
        cli_json_text(j, "outcome", outcome(e));
        cli_json_text(j, "code", e->code);
        cli_json_text(j, "actor", e->actor);
        cli_json_text(j, "peer", e->peer);
        cli_json_text(j, "patient", e->patient);
        cli_json_text(j, "purpose", e->purpose);
        cli_json_text(j, "place", e->place);
        cli_json_text(j, "trace_id", e->trace_id);
        cli_json_open(j, "detail", '{');
        for (size_t i = 0; i < e->n_detail; i++)
            cli_json_text(j, e->detail[i]->key, e->detail[i]->value);
        cli_json_close(j, '}');
    }
    cli_json_close(j, '}');
}

void audit_record_print(const struct cli *cli, struct cli_json *j,
                        const Ward__Audit__V1__Record *r)
{
    const Ward__Audit__V1__Event *e = r->event;
    char at[28];
    bool good;

    if (cli->json) {
        print_json(j, r);
        return;
    }
    ward_rfc3339(e == NULL ? r->appended_at_us : e->occurred_at_us, at);
    if (e == NULL) {
        printf("%6llu  %.19sZ  %serased%s   %s  %s\n", (unsigned long long)r->index, at,
               cli_paint(cli, CLI_DIM), cli_paint(cli, CLI_PLAIN), r->service, r->event_id);
        return;
    }
    good = e->outcome == WARD__AUDIT__V1__OUTCOME__OUTCOME_SUCCESS;
    printf("%6llu  %.19sZ  %s%-7s%s  %s", (unsigned long long)r->index, at,
           cli_paint(cli, good ? CLI_GOOD : CLI_WARN), outcome(e), cli_paint(cli, CLI_PLAIN),
           e->action);
    if (*e->code != '\0')
        printf("  %s", e->code);
    printf("\n        %s%s%s%s%s%s%s  %s%s\n", cli_paint(cli, CLI_DIM),
           *e->actor == '\0' ? e->peer : e->actor, *e->patient == '\0' ? "" : " about ",
           e->patient, *e->place == '\0' ? "" : " at ", e->place, "", r->event_id,
           cli_paint(cli, CLI_PLAIN));
}

static bool to_stdout(const char *path)
{
    return path == NULL || strcmp(path, "-") == 0;
}

enum ward_code audit_out(const char *path, FILE **out, struct ward_err *err)
{
    int fd;

    *out = stdout;
    if (to_stdout(path))
        return WARD_OK;
    fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    *out = fd < 0 ? NULL : fdopen(fd, "w");
    if (*out != NULL)
        return WARD_OK;
    if (fd >= 0)
        close(fd);
    return WARD_FAIL(err, FAILED_PRECONDITION, "cannot write %.100s", path);
}

enum ward_code audit_out_end(FILE *f, const char *path, struct ward_err *err)
{
    bool ok = fflush(f) == 0 && ferror(f) == 0;

    if (f != stdout)
        ok = fclose(f) == 0 && ok;
    return ok ? WARD_OK
              : WARD_FAIL(err, FAILED_PRECONDITION, "cannot write %.100s",
                          path == NULL ? "the output" : path);
}

void audit_out_say(const struct cli *cli, const char *path, const char *words, const char *key,
                   uint64_t n)
{
    struct cli_json j = {.to = stdout};

    if (to_stdout(path))
        return;
    if (!cli->json) {
        printf("%s %llu in %s\n", words, (unsigned long long)n, path);
        return;
    }
    cli_json_open(&j, NULL, '{');
    cli_json_text(&j, "file", path);
    cli_json_int(&j, key, (int64_t)n);
    cli_json_close(&j, '}');
}
