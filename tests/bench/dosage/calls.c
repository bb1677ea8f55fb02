/* Checks and doses over gRPC with mutual TLS, as the service is deployed: as many at a time as
 * there are callers (closed), or at a rate that does not wait for answers (open), where a
 * call's time counts from when it was due and not from when it could be sent. */
#include "bench.h"

#include "common/base/clock.h"
#include "common/base/text.h"
#include "tests/bench/h2load.h"
#include "ward/dosage/v1/orders.pb-c.h"

#define MOST_OPEN 4096
#define BURST_MS  100

typedef Ward__Dosage__V1__CheckRequest CheckRequest;
typedef Ward__Dosage__V1__CheckResponse CheckResponse;
typedef Ward__Dosage__V1__AdministerRequest AdministerRequest;
typedef Ward__Dosage__V1__AdministerResponse AdministerResponse;

struct one {
    struct h2call call;
    struct ward_arena mem;
    int64_t due_ns;
    bool gives;
    struct one *next; /* free */
};

#define PLACE "ward-3/bed-2" /* of the token: Site.ppid's */

/* A dose to give, as the setting-up prepared it: one line of tabs. */
struct gift {
    char *token, *patient, *order, *slot, *ppid, *product, *value, *unit, *route;
};

static struct {
    struct h2load load;
    struct one calls[MOST_OPEN], *free;
    struct times check, give;
    int64_t done, failed, late;
    const char *tokens;
    uint64_t in_wards, n;
    struct gift *gifts;
    size_t n_gifts, given;
    int64_t until_ns; /* closed: calls begin anew until then */
    bool once;        /* or until each patient had one */
} b;

/* ---- calls ---- */

static void ask_check(struct one *o)
{
    uint64_t n = ++b.n, patient = 1 + (b.once ? n - 1 : mix(n)) % b.in_wards;
    CheckRequest *req = ward_new(&o->mem, CheckRequest);
    uint8_t id[16];
    char text[37];

    ward__dosage__v1__check_request__init(req);
    uuid_of(patient, id);
    ward_uuid_text(id, text);
    req->patient_id = ward_strdup(&o->mem, text);
    req->prescription = make_asked(&o->mem);
    o->call.path = "/ward.dosage.v1.Orders/Check";
    o->call.token = token_of(b.tokens, patient);
    o->call.req = &req->base;
}

static void ask_give(struct one *o, const struct gift *g)
{
    AdministerRequest *req = ward_new(&o->mem, AdministerRequest);
    Ward__Dosage__V1__Quantity *dose = ward_new(&o->mem, Ward__Dosage__V1__Quantity);

    ward__dosage__v1__administer_request__init(req);
    ward__dosage__v1__quantity__init(dose);
    dose->value = g->value;
    dose->unit = g->unit;
    req->idempotency_key = g->slot;
    req->patient_id = g->patient;
    req->order_id = g->order;
    req->slot_id = g->slot;
    req->outcome = WARD__DOSAGE__V1__DOSE_OUTCOME__DOSE_OUTCOME_GIVEN;
    req->ppid_token = g->ppid;
    req->product_id = g->product;
    req->not_scanned_reason = api_text("scanner-failed");
    req->place = api_text(PLACE);
    req->dose = dose;
    req->route = (Ward__Dosage__V1__Route)number(g->route, 100);
    o->call.path = "/ward.dosage.v1.Administrations/Administer";
    o->call.token = g->token;
    o->call.req = &req->base;
}

static void begin(struct one *o, int64_t due_ns, bool gives)
{
    ward_arena_reset(&o->mem);
    o->due_ns = due_ns;
    o->gives = gives;
    if (gives)
        ask_give(o, &b.gifts[b.given++]);
    else
        ask_check(o);
    h2load_call(&b.load, &o->call);
}

/* The first finding or right that stands against a dose. */
static const char *open_of(const AdministerResponse *a)
{
    return a->n_open == 0 ? "a right failed" : a->open[0];
}

/* An answer counts only if it is one: a decision by a rule set, a dose recorded. */
static bool good(const struct one *o)
{
    ProtobufCMessage *m;
    bool ok;

    if (!o->call.http_ok || o->call.status != 0) {
        fprintf(stderr, "%s: grpc-status %d\n", o->call.path, o->call.status);
        return false;
    }
    if (o->gives) {
        m = h2load_answer(&o->call, &ward__dosage__v1__administer_response__descriptor);
        ok = ((const AdministerResponse *)m)->recorded;
        if (!ok)
            fprintf(stderr, "a dose was not recorded: %s\n",
                    open_of((const AdministerResponse *)m));
    } else {
        const Ward__Dosage__V1__Decision *d;

        m = h2load_answer(&o->call, &ward__dosage__v1__check_response__descriptor);
        d = ((const CheckResponse *)m)->decision;
        ok = d != NULL && d->outcome != WARD__DOSAGE__V1__OUTCOME__OUTCOME_UNSPECIFIED;
    }
    protobuf_c_message_free_unpacked(m, NULL);
    return ok;
}

static void finished(struct h2load *l, struct h2call *call)
{
    struct one *o = call->user;

    (void)l;
    times_add(o->gives ? &b.give : &b.check, (double)(ward_mono_ns() - o->due_ns) / 1e6);
    b.done++;
    if (!good(o))
        b.failed++;
    if (b.once ? b.n < b.in_wards : ward_mono_ns() < b.until_ns) {
        begin(o, ward_mono_ns(), false);
        return;
    }
    o->next = b.free;
    b.free = o;
}

static void set_up(char **argv, int calls)
{
    b.tokens = argv[3];
    h2load_open(&b.load, (int)number(argv[1], 65535), argv[2], "wardctl", finished);
    for (int i = 0; i < calls; i++) {
        ward_arena_init(&b.calls[i].mem, (size_t)1 << 20);
        b.calls[i].call.user = &b.calls[i];
        b.calls[i].next = b.free;
        b.free = &b.calls[i];
    }
}

static int closed(char **argv)
{
    int callers = (int)number(argv[5], 256);
    int64_t began = ward_mono_ns();

    set_up(argv, callers);
    b.in_wards = (uint64_t)number(argv[4], 10000000);
    for (int i = 0; i < callers; i++)
        begin(&b.calls[i], ward_mono_ns(), false);
    while (b.load.open > 0)
        h2load_turn(&b.load, 1000 * WARD_NS_PER_MS);
    printf("{\"per_s\": %.1f, \"failed\": %lld, \"p50_ms\": %.3f, \"p99_ms\": %.3f}\n",
           (double)b.done / ((double)(ward_mono_ns() - began) / 1e9), (long long)b.failed,
           times_at(&b.check, 0.5), times_at(&b.check, 0.99));
    h2load_close(&b.load);
    return 0;
}

/* closed PORT CERTS TOKENS IN_WARDS CALLERS SECONDS: checks */
int mode_closed(int argc, char **argv)
{
    b.until_ns = ward_mono_ns() + number(argc == 7 ? argv[6] : "", 600) * WARD_NS_PER_MS * 1000;
    return closed(argv);
}

/* once PORT CERTS TOKENS IN_WARDS CALLERS: a check of each patient */
int mode_once(int argc, char **argv)
{
    b.once = true;
    return argc == 6 ? closed(argv) : 2;
}

/* ---- open ---- */

static void read_gifts(const char *path)
{
    FILE *f = fopen(path, "re");
    char *line = NULL;
    size_t cap = 0;

    while (f != NULL && getline(&line, &cap, f) > 0) {
        char *rest = strdup(line), **at;
        struct gift g;

        b.gifts = realloc(b.gifts, (b.n_gifts + 1) * sizeof(g));
        at = (char **)&g;
        rest[strcspn(rest, "\n")] = '\0';
        for (size_t i = 0; i < sizeof(g) / sizeof(char *); i++)
            at[i] = strsep(&rest, "\t");
        b.gifts[b.n_gifts++] = g;
    }
    free(line);
    if (f != NULL)
        fclose(f);
}

/* When call i is due: evenly, or all of a tenth of a second at once. */
static int64_t due(int64_t began, int64_t i, int64_t rate, bool bursts)
{
    int64_t each = 1000 * WARD_NS_PER_MS / rate, burst = rate * BURST_MS / 1000;

    return bursts ? began + i / burst * BURST_MS * WARD_NS_PER_MS : began + i * each;
}

static void send_due(int64_t began, int64_t rate, int64_t all, bool bursts, int64_t *i,
                     int64_t every)
{
    while (*i < all && due(began, *i, rate, bursts) <= ward_mono_ns()) {
        struct one *o = b.free;

        if (o == NULL) { /* past what can wait: that is a failure of who is measured */
            b.failed++;
            b.late++;
            (*i)++;
            continue;
        }
        b.free = o->next;
        begin(o, due(began, *i, rate, bursts),
              every > 0 && *i % every == 0 && b.given < b.n_gifts);
        (*i)++;
    }
}

/* open PORT CERTS TOKENS IN_WARDS RATE SECONDS even|bursts GIFTS EVERY: each EVERYth call gives
 * a dose of GIFTS ("-": none) */
int mode_open(int argc, char **argv)
{
    int64_t rate = argc == 10 ? number(argv[5], 100000) : 0, began, i = 0, all, every;
    bool bursts;

    set_up(argv, MOST_OPEN);
    b.in_wards = (uint64_t)number(argv[4], 10000000);
    bursts = strcmp(argv[7], "bursts") == 0;
    every = strcmp(argv[8], "-") == 0 ? 0 : number(argv[9], 1000);
    if (every > 0)
        read_gifts(argv[8]);
    all = rate * number(argv[6], 600);
    began = ward_mono_ns();
    while (i < all || b.load.open > 0) {
        int64_t wait_ns;

        send_due(began, rate, all, bursts, &i, every);
        /* To the nanosecond: who waits by the millisecond asks the kernel all the time, and
         * takes a core from those who are measured. */
        wait_ns =
            i < all ? due(began, i, rate, bursts) - ward_mono_ns() : 1000 * WARD_NS_PER_MS;
        h2load_turn(&b.load, wait_ns > 0 ? wait_ns : 0);
    }
    printf(
        "{\"rate\": %lld, \"per_s\": %.1f, \"failed\": %lld, \"late\": %lld, \"checks\": %zu,"
        " \"check_p50_ms\": %.3f, \"check_p99_ms\": %.3f, \"gives\": %zu,"
        " \"give_p50_ms\": %.3f, \"give_p99_ms\": %.3f}\n",
        (long long)rate, (double)b.done / ((double)(ward_mono_ns() - began) / 1e9),
        (long long)b.failed, (long long)b.late, b.check.n, times_at(&b.check, 0.5),
        times_at(&b.check, 0.99), b.give.n, times_at(&b.give, 0.5), times_at(&b.give, 0.99));
    h2load_close(&b.load);
    return 0;
}
