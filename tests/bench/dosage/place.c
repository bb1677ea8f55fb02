#include "bench.h"

#include "common/base/clock.h"
#include "common/base/text.h"
#include "services/dosage/formulary/ruleset.h"
#include "services/dosage/order/keeper.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct dosage dos;

static struct dosage *configured(char **argv)
{
    static struct ward_db_config db;

    db = (struct ward_db_config){.socket = argv[0],
                                 .user = argv[1],
                                 .name = "dosage",
                                 .host = "",
                                 .password = "",
                                 .tls_ca = "",
                                 .tls_cert = "",
                                 .tls_key = ""};
    dos.db = &db;
    dos.cfg = (struct dosage_config){.kek = argv[2],
                                     .kek_old = "",
                                     .records = "127.0.0.1:1",
                                     .identity = "127.0.0.1:1",
                                     .time_zone = "UTC",
                                     .access_s = 3600,
                                     .chart_s = 3600,
                                     .records_ms = 2000,
                                     .emergency_s = 3600,
                                     .due_followers = 1,
                                     .watch_s = 3600};
    return &dos;
}

struct dosage *bench_keys(char **argv)
{
    static const struct ward_keyring_owners owners =
        WARD_KEYRING_OWNERS("owner_key", "owner_id");
    static struct ward_keyring_config keys;
    struct ward_err err = {0};

    configured(argv);
    keys = (struct ward_keyring_config){.service = DOSAGE_NAME,
                                        .root = dos.cfg.kek,
                                        .root_old = "",
                                        .unreadable = "DOSE_UNREADABLE",
                                        .owners = &owners};
    must(ward_keyring_open(&keys, dos.db, &dos.keys, &err), &err, "keys");
    return &dos;
}

struct dosage *bench_whole(char **argv, const char *certs, const char *records)
{
    static char paths[3][512];
    static struct ward_tls tls;
    struct ward_err err = {0};

    configured(argv);
    snprintf(paths[0], sizeof(paths[0]), "%s/dosage.pem", certs);
    snprintf(paths[1], sizeof(paths[1]), "%s/dosage.key", certs);
    snprintf(paths[2], sizeof(paths[2]), "%s/ca.pem", certs);
    tls = (struct ward_tls){.cert = paths[0], .key = paths[1], .ca = paths[2]};
    dos.tls = &tls;
    dos.cfg.records = records;
    must(dosage_open(&dos, &err), &err, "service");
    keeper_close(dos.keeper); /* its statements would be another thread's */
    dos.keeper = NULL;
    return &dos;
}

void place_open(struct place *p, struct dosage *service, uint64_t ward, const char *token)
{
    static char wards[WARDS][16];
    void *w = NULL;

    snprintf(wards[ward], sizeof(wards[ward]), "ward-%d", (int)ward);
    p->dos = service;
    must(worker_open(service, &w, &p->err), &p->err, "worker");
    p->w = w;
    ward_arena_init(&p->mem, DOSAGE_ARENA);
    p->who = (struct ward_principal){.subject = "bench",
                                     .issuer = "bench",
                                     .ward = wards[ward],
                                     .purpose = "TREAT",
                                     .n_roles = 1,
                                     .token = token};
    p->who.roles[0] = "physician";
}

void place_close(struct place *p)
{
    worker_close(p->w);
    ward_arena_done(&p->mem);
}

void place_call(struct place *p, const char *method)
{
    static _Thread_local struct ward_method_info info;

    info = (struct ward_method_info){.path = method, .audited = true};
    ward_arena_reset(&p->mem);
    p->err = (struct ward_err){0};
    p->call = (struct ward_call){.mem = &p->mem,
                                 .err = &p->err,
                                 .svc = p->dos,
                                 .wrk = p->w,
                                 .method = &info,
                                 .deadline_ns = ward_mono_ns() + 30 * INT64_C(1000000000),
                                 .peer = "wardctl",
                                 .who = &p->who};
    snprintf(p->call.trace_id, sizeof(p->call.trace_id), "%032x", 7);
    ward_db_deadline(p->w->event_ctx.db, p->call.deadline_ns);
}

const char *token_of(const char *tokens, uint64_t ward)
{
    static char lines[WARDS][2048];
    static bool read;
    FILE *f = read ? NULL : fopen(tokens, "re");

    for (int i = 0; !read && i < WARDS; i++) {
        if (f == NULL || fgets(lines[i], sizeof(lines[i]), f) == NULL) {
            fprintf(stderr, "%s: fewer tokens than wards\n", tokens);
            exit(1);
        }
        lines[i][strcspn(lines[i], "\n")] = '\0';
    }
    if (f != NULL)
        fclose(f);
    read = true;
    return lines[ward % WARDS];
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        int (*fn)(int argc, char **argv);
    } modes[] = {{"fill", mode_fill},     {"bare", mode_bare}, {"rules", mode_rules},
                 {"closed", mode_closed}, {"once", mode_once}, {"open", mode_open}};

    for (size_t i = 0; argc > 1 && i < WARD_COUNT(modes); i++)
        if (strcmp(argv[1], modes[i].name) == 0)
            return modes[i].fn(argc - 1, argv + 1);
    fprintf(stderr, "dosage_load fill|bare|rules|closed|once|open ...\n");
    return 2;
}
