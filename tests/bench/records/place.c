#include "bench.h"

#include "common/base/clock.h"
#include "common/base/text.h"
#include "services/records/feed/feed.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern const struct ward_schema ward_schema_records;

struct records *bench_service(const struct bench_db *db)
{
    static const struct ward_keyring_owners owners =
        WARD_KEYRING_OWNERS("owner_key", "owner_id");
    static struct ward_db_config cfg;
    static struct ward_keyring_config keys;
    static struct records rec;
    struct ward_err err = {0};

    cfg = (struct ward_db_config){.socket = db->socket,
                                  .user = db->user,
                                  .name = db->name,
                                  .host = "",
                                  .password = "",
                                  .tls_ca = "",
                                  .tls_cert = "",
                                  .tls_key = ""};
    keys = (struct ward_keyring_config){.service = RECORDS_NAME,
                                        .root = db->kek,
                                        .root_old = "",
                                        .unreadable = "RECORD_UNREADABLE",
                                        .owners = &owners};
    rec.db = &cfg;
    rec.cfg.glass_s = 900;
    rec.cfg.feed_ms = 5000; /* the running service numbers the changes */
    must(ward_keyring_open(&keys, rec.db, &rec.keys, &err), &err, "keys");
    must(sequencer_open(&rec, &rec.feed, &err), &err, "feed");
    return &rec;
}

void place_open(struct place *p, struct records *rec, const char *role, const char *ward)
{
    void *w = NULL;

    p->rec = rec;
    must(worker_open(rec, &w, &p->err), &p->err, "worker");
    p->w = w;
    ward_arena_init(&p->mem, RECORDS_ARENA);
    p->who = (struct ward_principal){
        .subject = "bench", .issuer = "bench", .ward = ward, .purpose = "TREAT", .n_roles = 1};
    p->who.roles[0] = role;
    p->who.token = "";
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
                                 .svc = p->rec,
                                 .wrk = p->w,
                                 .method = &info,
                                 .deadline_ns = ward_mono_ns() + 30 * INT64_C(1000000000),
                                 .peer = "wardctl",
                                 .who = &p->who};
    snprintf(p->call.trace_id, sizeof(p->call.trace_id), "%032x", 7);
    ward_db_deadline(p->w->event_ctx.db, p->call.deadline_ns);
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        int (*fn)(int argc, char **argv);
    } modes[] = {{"fill", mode_fill},
                 {"bare", mode_bare},
                 {"write", mode_write},
                 {"versions", mode_versions},
                 {"search", mode_search}};

    for (size_t i = 0; argc > 1 && i < WARD_COUNT(modes); i++)
        if (strcmp(argv[1], modes[i].name) == 0)
            return modes[i].fn(argc - 1, argv + 1);
    fprintf(stderr, "records_load fill|bare|write|versions|search ...\n");
    return 2;
}
