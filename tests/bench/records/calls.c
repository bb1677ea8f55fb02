/* One resource's versions, and searches, over gRPC with mutual TLS, as the service is deployed.
 */
#include "bench.h"

#include "common/base/clock.h"
#include "common/base/text.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CREATE "/ward.records.v1.Records/Create"
#define UPDATE "/ward.records.v1.Records/Update"
#define SEARCH "/ward.records.v1.Records/Search"

typedef Ward__Records__V1__CreateRequest CreateRequest;
typedef Ward__Records__V1__CreateResponse CreateResponse;
typedef Ward__Records__V1__UpdateRequest UpdateRequest;
typedef Ward__Records__V1__UpdateResponse UpdateResponse;
typedef Ward__Records__V1__SearchRequest SearchRequest;
typedef Ward__Records__V1__SearchResponse SearchResponse;
typedef Ward__Records__V1__Parameter Parameter;

struct caller {
    struct ward_client *client; /* one for all callers, as for a service's workers */
    char token[2048];           /* of a nurse of this caller's ward */
    struct ward_arena mem;
    struct ward_err err;
    pthread_t thread;
    uint64_t n, in_wards;
    int64_t until_ns;
    struct times times[4], all;
    int64_t found;
    uint64_t random;
};

static char *read_file(const char *path)
{
    static char text[65536];
    FILE *f = fopen(path, "re");
    size_t n = f == NULL ? 0 : fread(text, 1, sizeof(text) - 1, f);

    if (f != NULL)
        fclose(f);
    text[n] = '\0';
    return text;
}

/* TOKENS holds one bearer token a line: a nurse of ward-0, ward-1... */
static void caller_open(struct caller *c, const struct caller *first, char **argv, uint64_t n)
{
    struct ward_client_config cfg = {.server = "records"};
    char *line, *rest = read_file(argv[3]);

    ward_arena_init(&c->mem, (size_t)64 << 20);
    for (uint64_t i = 0; (line = strsep(&rest, "\n")) != NULL && i < n; i++)
        ;
    snprintf(c->token, sizeof(c->token), "%s", line == NULL ? "" : line);
    cfg.target = ward_printf(&c->mem, "127.0.0.1:%s", argv[1]);
    cfg.tls.cert = ward_printf(&c->mem, "%s/wardctl.pem", argv[2]);
    cfg.tls.key = ward_printf(&c->mem, "%s/wardctl.key", argv[2]);
    cfg.tls.ca = ward_printf(&c->mem, "%s/ca.pem", argv[2]);
    c->client = first->client;
    if (c == first)
        must(ward_client_open(&cfg, &c->client, &c->err), &c->err, "client");
    c->n = n;
    c->random = n * 7 + 1;
}

static char *fresh_key(struct caller *c)
{
    uint8_t id[16];
    char text[37];

    ward_uuid7(id);
    ward_uuid_text(id, text);
    return ward_strdup(&c->mem, text);
}

static ProtobufCMessage *ask(struct caller *c, const char *path, const ProtobufCMessage *req,
                             const ProtobufCMessageDescriptor *type)
{
    struct ward_out with = {.token = c->token,
                            .deadline_ns = ward_mono_ns() + 60 * INT64_C(1000000000)};
    ProtobufCMessage *resp = NULL;

    must(ward_client_call(c->client, path, &with, req, type, &resp, &c->mem, &c->err), &c->err,
         path);
    return resp;
}

static const Ward__Records__V1__Version *create(struct caller *c)
{
    CreateRequest req = WARD__RECORDS__V1__CREATE_REQUEST__INIT;

    req.idempotency_key = fresh_key(c);
    req.resource = make_observation(&c->mem, c->n, 0, ward_wall_us());
    return ((CreateResponse *)ask(c, CREATE, &req.base,
                                  &ward__records__v1__create_response__descriptor))
        ->record->version;
}

static void update(struct caller *c, const char *id, int version)
{
    UpdateRequest req = WARD__RECORDS__V1__UPDATE_REQUEST__INIT;

    req.idempotency_key = fresh_key(c);
    req.resource = make_observation(&c->mem, c->n, 0, ward_wall_us());
    req.resource->observation->id = ward_strdup(&c->mem, id);
    req.expected_version = version;
    ask(c, UPDATE, &req.base, &ward__records__v1__update_response__descriptor);
}

static void forget(struct caller *c)
{
    ward_arena_reset(&c->mem);
}

/* versions PORT CERTS TOKENS VERSIONS: one resource to so many versions, and what the first and
 * the last hundred updates took. */
int mode_versions(int argc, char **argv)
{
    static struct caller c;
    struct times first = {0}, last = {0};
    int64_t most = argc == 5 ? number(argv[4], 1000000) : 0;
    char id[37];

    caller_open(&c, &c, argv, 0);
    snprintf(id, sizeof(id), "%s", create(&c)->resource_id);
    for (int i = 1; i < most; i++) {
        int64_t began = ward_mono_ns();

        update(&c, id, i);
        if (i <= 100 || i > most - 100)
            times_add(i <= 100 ? &first : &last, (double)(ward_mono_ns() - began) / 1e6);
        forget(&c);
    }
    printf("{\"first_p50_ms\": %.4f, \"last_p50_ms\": %.4f, \"versions\": %lld}\n",
           times_at(&first, 0.5), times_at(&last, 0.5), (long long)most);
    ward_client_close(c.client);
    return 0;
}

/* ---- search ---- */

static uint64_t pick(struct caller *c)
{
    c->random = c->random * 6364136223846793005u + 1442695040888963407u;
    return c->random >> 33;
}

static void parameter(struct caller *c, SearchRequest *req, const char *name, char *value)
{
    Parameter *p = ward_new(&c->mem, Parameter);

    ward__records__v1__parameter__init(p);
    p->name = api_text(name);
    p->values = ward_alloc(&c->mem, sizeof(char *));
    p->values[0] = value;
    p->n_values = 1;
    if (req->parameters == NULL)
        req->parameters = ward_alloc(&c->mem, 4 * sizeof(p));
    req->parameters[req->n_parameters++] = p;
}

/* A patient of the caller's own ward. */
static uint64_t mine(struct caller *c)
{
    uint64_t beds = c->in_wards / WARDS;

    return c->n % WARDS + WARDS * (pick(c) % beds);
}

static char *patient(struct caller *c)
{
    uint8_t id[16];
    char text[37];

    uuid_of(mine(c), id);
    ward_uuid_text(id, text);
    return ward_strdup(&c->mem, text);
}

/* What nurses' screens ask: one measurement's course, the last values of all kinds, who is
 * called so, and everyone's newest of one kind. */
static void one_search(struct caller *c, int kind)
{
    SearchRequest req = WARD__RECORDS__V1__SEARCH_REQUEST__INIT;
    int64_t began;
    char *code = ward_printf(&c->mem, "http://loinc.org|%s", observation_code(pick(c)));
    const SearchResponse *resp;

    req.kind = kind == 2 ? WARD__RECORDS__V1__KIND__KIND_PATIENT
                         : WARD__RECORDS__V1__KIND__KIND_OBSERVATION;
    req.page_size = 20;
    if (kind == 0 || kind == 1)
        parameter(c, &req, "patient", patient(c));
    if (kind == 0 || kind == 3)
        parameter(c, &req, "code", code);
    if (kind == 1)
        parameter(c, &req, "category", ward_strdup(&c->mem, "laboratory"));
    if (kind == 2)
        parameter(c, &req, "family", ward_printf(&c->mem, "%.5s", family_of(mine(c))));
    if (kind == 3)
        parameter(c, &req, "date", ward_strdup(&c->mem, "ge2026-01-01"));
    began = ward_mono_ns();
    resp = (const SearchResponse *)ask(c, SEARCH, &req.base,
                                       &ward__records__v1__search_response__descriptor);
    times_add(&c->times[kind], (double)(ward_mono_ns() - began) / 1e6);
    times_add(&c->all, c->times[kind].ms[c->times[kind].n - 1]);
    c->found += (int64_t)resp->n_records;
    forget(c);
}

static void *search_on(void *arg)
{
    struct caller *c = arg;

    while (ward_mono_ns() < c->until_ns)
        one_search(c, (int)(pick(c) % 4));
    return NULL;
}

static void gather(struct times *to, const struct times *from)
{
    for (size_t i = 0; i < from->n; i++)
        times_add(to, from->ms[i]);
}

static void print_found(struct caller *callers, int n)
{
    static const char *const names[] = {"patient_code", "patient_category", "family",
                                        "ward_code"};
    struct times all = {0}, kind[4] = {{0}};
    int64_t found = 0;

    for (int i = 0; i < n; i++) {
        gather(&all, &callers[i].all);
        for (int k = 0; k < 4; k++)
            gather(&kind[k], &callers[i].times[k]);
        found += callers[i].found;
    }
    printf("{\"searches\": %zu, \"found\": %lld, \"p50_ms\": %.3f, \"p99_ms\": %.3f", all.n,
           (long long)found, times_at(&all, 0.5), times_at(&all, 0.99));
    for (int k = 0; k < 4; k++)
        printf(", \"%s_p50_ms\": %.3f, \"%s_p99_ms\": %.3f", names[k], times_at(&kind[k], 0.5),
               names[k], times_at(&kind[k], 0.99));
    printf("}\n");
}

/* search PORT CERTS TOKENS THREADS SECONDS IN_WARDS */
int mode_search(int argc, char **argv)
{
    static struct caller callers[64];
    int n = argc == 7 ? (int)number(argv[4], 64) : 0;
    int64_t began = ward_mono_ns(), seconds = n == 0 ? 0 : number(argv[5], 600);

    for (int i = 0; i < n; i++) {
        caller_open(&callers[i], callers, argv, (uint64_t)i);
        callers[i].in_wards = (uint64_t)number(argv[6], 10000000);
        callers[i].until_ns = began + seconds * INT64_C(1000000000);
        pthread_create(&callers[i].thread, NULL, search_on, &callers[i]);
    }
    for (int i = 0; i < n; i++)
        pthread_join(callers[i].thread, NULL);
    ward_client_close(callers[0].client);
    print_found(callers, n);
    return 0;
}
