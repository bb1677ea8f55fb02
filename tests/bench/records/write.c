/* Creates and updates as the service is deployed: gRPC with mutual TLS, a nurse's token with
 * each. So many callers, each with one call under way, all streams of one connection. */
#include "bench.h"

#include "common/base/clock.h"
#include "common/base/text.h"
#include "tests/bench/h2load.h"

#define CALLERS 64

typedef Ward__Records__V1__CreateRequest CreateRequest;
typedef Ward__Records__V1__CreateResponse CreateResponse;
typedef Ward__Records__V1__UpdateRequest UpdateRequest;
typedef Ward__Records__V1__UpdateResponse UpdateResponse;

struct writer {
    struct h2call call;
    struct ward_arena mem; /* of one call */
    char token[2048], id[37];
    uint64_t n;
    int32_t version; /* of id; 0 before the first create */
    bool updating;
};

static struct writer writers[CALLERS];
static int64_t done, until_ns;
static bool updates;

static char *fresh_key(struct ward_arena *mem)
{
    uint8_t id[16];
    char text[37];

    ward_uuid7(id);
    ward_uuid_text(id, text);
    return ward_strdup(mem, text);
}

static void ask_create(struct writer *w)
{
    CreateRequest *req = ward_new(&w->mem, CreateRequest);

    ward__records__v1__create_request__init(req);
    req->idempotency_key = fresh_key(&w->mem);
    req->resource = make_observation(&w->mem, w->n, 0, ward_wall_us());
    w->call.path = "/ward.records.v1.Records/Create";
    w->call.req = &req->base;
}

static void ask_update(struct writer *w)
{
    UpdateRequest *req = ward_new(&w->mem, UpdateRequest);

    ward__records__v1__update_request__init(req);
    req->idempotency_key = fresh_key(&w->mem);
    req->resource = make_observation(&w->mem, w->n, 0, ward_wall_us());
    req->resource->observation->id = w->id;
    req->expected_version = w->version;
    w->call.path = "/ward.records.v1.Records/Update";
    w->call.req = &req->base;
}

static void begin(struct h2load *l, struct writer *w)
{
    ward_arena_reset(&w->mem);
    w->updating = updates && w->version > 0;
    if (w->updating)
        ask_update(w);
    else
        ask_create(w);
    h2load_call(l, &w->call);
}

/* The answer is looked at: an update that was not the next version is no update. */
static void finished(struct h2load *l, struct h2call *call)
{
    struct writer *w = call->user;
    ProtobufCMessage *m =
        h2load_answer(call, w->updating ? &ward__records__v1__update_response__descriptor
                                        : &ward__records__v1__create_response__descriptor);
    const Ward__Records__V1__Version *v = w->updating ? ((UpdateResponse *)m)->record->version
                                                      : ((CreateResponse *)m)->record->version;

    if (v->version != (w->updating ? w->version + 1 : 1)) {
        fprintf(stderr, "%s: version %d\n", call->path, v->version);
        exit(1);
    }
    snprintf(w->id, sizeof(w->id), "%s", v->resource_id);
    w->version = v->version;
    protobuf_c_message_free_unpacked(m, NULL);
    done++;
    if (ward_mono_ns() < until_ns)
        begin(l, w);
}

/* TOKENS holds one bearer token a line: a nurse of ward-0, ward-1... */
static void open_writers(const char *tokens, int n)
{
    FILE *f = fopen(tokens, "re");

    for (int i = 0; i < n; i++) {
        struct writer *w = &writers[i];

        if (f == NULL || fgets(w->token, sizeof(w->token), f) == NULL) {
            fprintf(stderr, "%s: fewer tokens than callers\n", tokens);
            exit(1);
        }
        w->token[strcspn(w->token, "\n")] = '\0';
        w->n = (uint64_t)i;
        w->call.token = w->token;
        w->call.user = w;
        ward_arena_init(&w->mem, (size_t)1 << 20);
    }
    if (f != NULL)
        fclose(f);
}

/* write PORT CERTS TOKENS CALLERS SECONDS create|update */
int mode_write(int argc, char **argv)
{
    int n = argc == 7 ? (int)number(argv[4], CALLERS) : 0;
    int64_t seconds = n == 0 ? 0 : number(argv[5], 600), began;
    struct h2load l;

    open_writers(argv[3], n);
    updates = strcmp(argv[6], "update") == 0;
    h2load_open(&l, (int)number(argv[1], 65535), argv[2], "wardctl", finished);
    began = ward_mono_ns();
    until_ns = began + seconds * INT64_C(1000000000);
    for (int i = 0; i < n; i++)
        begin(&l, &writers[i]);
    while (l.open > 0)
        h2load_turn(&l, 1000 * WARD_NS_PER_MS);
    h2load_close(&l);
    printf("{\"per_s\": %.1f}\n", (double)done / ((double)(ward_mono_ns() - began) / 1e9));
    return 0;
}
