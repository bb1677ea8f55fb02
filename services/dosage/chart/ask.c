#include "services/dosage/chart/ask.h"

#include "common/base/clock.h"
#include "services/dosage/formulary/ruleset.h"

#include <string.h>

#define PAGE 50

typedef Ward__Records__V1__ReadRequest ReadRequest;
typedef Ward__Records__V1__ReadResponse ReadResponse;
typedef Ward__Records__V1__SearchRequest SearchRequest;
typedef Ward__Records__V1__SearchResponse SearchResponse;
typedef Ward__Records__V1__Parameter Parameter;

#define KIND(name) WARD__RECORDS__V1__KIND__KIND_##name

struct asking {
    struct ward_call *call;
    struct ward_client *records;
    struct ward_out with;
    char patient[37];
};

/* Records may hang, and the person still wants an answer: half of the call's time at most goes
 * into asking. */
static void begin(struct asking *a, struct ward_call *c)
{
    struct worker *w = c->wrk;
    int64_t half = ward_left_ms(c->deadline_ns) / 2, most = w->dos->cfg.records_ms;

    a->call = c;
    a->records = w->dos->records;
    a->with = ward_out_of(c);
    a->with.deadline_ns = ward_mono_ns() + (half < most ? half : most) * WARD_NS_PER_MS;
}

static enum ward_code nobody(struct ward_err *err)
{
    *err = (struct ward_err){0};
    return WARD_FAIL_REASON(err, NOT_FOUND, "PATIENT_NOT_FOUND", "no such patient");
}

enum ward_code ask_meant(struct ward_call *c, enum ward_code code)
{
    struct ward_err *err = c->err;
    struct ward_err was = *err;

    switch (code) {
    case WARD_NOT_FOUND:
        return nobody(err);
    case WARD_CANCELLED: /* the caller's, mostly, who may not have been heard of here yet */
        return code;
    case WARD_UNAVAILABLE:
    case WARD_DEADLINE_EXCEEDED:
    case WARD_RESOURCE_EXHAUSTED: /* it sheds calls */
        break;
    default:
        return code;
    }
    *err = (struct ward_err){0};
    code = WARD_FAIL_REASON(err, UNAVAILABLE, "RECORDS_AWAY", "records cannot be asked");
    ward_err_detail(err, "%s: %.200s", ward_code_name(was.code), was.msg);
    return code;
}

static enum ward_code call(struct asking *a, const char *path, const ProtobufCMessage *req,
                           const ProtobufCMessageDescriptor *type, ProtobufCMessage **resp)
{
    struct ward_call *c = a->call;
    enum ward_code code =
        ward_client_call(a->records, path, &a->with, req, type, resp, c->mem, c->err);

    return code == WARD_OK ? code : ask_meant(c, code);
}

enum ward_code ask_records(struct ward_call *c, const char *path, const ProtobufCMessage *req,
                           const ProtobufCMessageDescriptor *type, ProtobufCMessage **resp)
{
    struct asking a;

    begin(&a, c);
    return call(&a, path, req, type, resp);
}

static enum ward_code lost(struct ward_call *c)
{
    return WARD_FAIL(c->err, INTERNAL, "records gave an answer that is none");
}

/* ---- the Patient ---- */

static enum ward_code read_patient(struct asking *a, const uint8_t id[DOSAGE_ID],
                                   struct answer *out)
{
    static const char PATH[] = "/ward.records.v1.Records/Read";
    ReadRequest req = WARD__RECORDS__V1__READ_REQUEST__INIT;
    struct ward_call *c = a->call;
    const ReadResponse *resp;
    ProtobufCMessage *msg;

    ward_uuid_text(id, a->patient);
    req.kind = KIND(PATIENT);
    req.id = a->patient;
    WARD_TRY(call(a, PATH, &req.base, &ward__records__v1__read_response__descriptor, &msg));
    resp = (const ReadResponse *)msg;
    if (resp->record == NULL || resp->record->resource == NULL ||
        resp->record->resource->resource_case !=
            WARD__RECORDS__V1__RESOURCE__RESOURCE_PATIENT ||
        !ward_uuid_parse(resp->record->resource->patient->id, out->id))
        return lost(c);
    ward_uuid_text(out->id, a->patient);
    out->facts = ward_new(c->mem, Facts);
    if (out->facts == NULL)
        return WARD_FAIL(c->err, RESOURCE_EXHAUSTED, "no memory for the chart");
    ward__dosage__v1__facts__init(out->facts);
    facts_patient(resp->record->resource->patient, out->facts);
    return WARD_OK;
}

enum ward_code ask_may(struct ward_call *c, const uint8_t id[DOSAGE_ID], struct answer *out)
{
    struct asking a;

    begin(&a, c);
    return read_patient(&a, id, out);
}

/* ---- searches ---- */

#define MORE_MAX 2 /* parameters beside the patient */

struct question {
    SearchRequest req;
    Parameter patient, more[MORE_MAX];
    Parameter *all[1 + MORE_MAX];
    char *who;
};

static void question(struct question *q, struct asking *a, Ward__Records__V1__Kind kind,
                     int page)
{
    ward__records__v1__search_request__init(&q->req);
    ward__records__v1__parameter__init(&q->patient);
    q->who = a->patient;
    q->patient.name = (char *)(uintptr_t) "patient";
    q->patient.n_values = 1;
    q->patient.values = &q->who;
    q->all[0] = &q->patient;
    q->req.kind = kind;
    q->req.n_parameters = 1;
    q->req.parameters = q->all;
    q->req.page_size = page;
}

static void also(struct question *q, const char *name, char **values, size_t n)
{
    Parameter *p = &q->more[q->req.n_parameters - 1];

    ward__records__v1__parameter__init(p);
    p->name = (char *)(uintptr_t)name;
    p->values = values;
    p->n_values = n;
    q->all[q->req.n_parameters++] = p;
}

static enum ward_code search(struct asking *a, const struct question *q, SearchResponse **out)
{
    static const char PATH[] = "/ward.records.v1.Records/Search";
    ProtobufCMessage *msg;

    WARD_TRY(
        call(a, PATH, &q->req.base, &ward__records__v1__search_response__descriptor, &msg));
    *out = (SearchResponse *)msg;
    return WARD_OK;
}

static enum ward_code ask_ward(struct asking *a, int64_t now_us, struct answer *out)
{
    static const char *const OPEN[] = {"arrived", "triaged", "in-progress", "onleave"};
    SearchResponse *resp;
    struct question q;
    Facts last = {0};

    question(&q, a, KIND(ENCOUNTER), PAGE);
    also(&q, "status", (char **)(uintptr_t)OPEN, WARD_COUNT(OPEN));
    WARD_TRY(search(a, &q, &resp));
    facts_ward(resp->records, resp->n_records, a->call->who->ward, now_us, out->facts);
    facts_ward(resp->records, resp->n_records, "", now_us, &last);
    out->lies = last.ward;
    return WARD_OK;
}

enum ward_code ask_where(struct ward_call *c, int64_t now_us, struct answer *out)
{
    struct asking a;

    begin(&a, c);
    ward_uuid_text(out->id, a.patient);
    return ask_ward(&a, now_us, out);
}

/* All pages, until there are more than are held. */
static enum ward_code ask_allergies(struct asking *a, Facts *out)
{
    struct ward_call *c = a->call;
    Record **all = ward_alloc(c->mem, 2 * FACTS_ALLERGIES * sizeof(Record *));
    SearchResponse *resp;
    struct question q;
    size_t n = 0;
    bool more = true;

    if (all == NULL)
        return WARD_FAIL(c->err, RESOURCE_EXHAUSTED, "no memory for the allergies");
    question(&q, a, KIND(ALLERGY_INTOLERANCE), FACTS_ALLERGIES);
    while (more && n < FACTS_ALLERGIES) {
        WARD_TRY(search(a, &q, &resp));
        for (size_t i = 0; i < resp->n_records && n < (size_t)2 * FACTS_ALLERGIES; i++)
            all[n++] = resp->records[i];
        q.req.page_token = resp->next_page_token;
        more = resp->next_page_token.len > 0;
    }
    WARD_TRY(facts_allergies(all, n, c->mem, out, c->err));
    out->allergies_cut = out->allergies_cut || more;
    return WARD_OK;
}

/* ---- measurements ---- */

#define GROUP_BIT(group) (1u << (group))

/* Those of the groups, as "http://loinc.org|29463-7". */
static enum ward_code code_values(struct ward_arena *mem, unsigned groups, char ***out,
                                  size_t *n, struct ward_err *err)
{
    size_t most = 0;

    while (facts_codes[most].loinc != NULL)
        most++;
    *out = ward_alloc(mem, most * sizeof(char *));
    *n = 0;
    for (size_t i = 0; *out != NULL && i < most; i++) {
        if (!(GROUP_BIT(facts_codes[i].group) & groups))
            continue;
        (*out)[*n] = ward_printf(mem, "http://loinc.org|%s", facts_codes[i].loinc);
        if ((*out)[(*n)++] == NULL)
            break;
    }
    return mem->full ? WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for the codes") : WARD_OK;
}

static enum ward_code observations(struct asking *a, unsigned groups, SearchResponse **out)
{
    static const char *const COUNT[] = {"final", "amended", "corrected"};
    struct ward_call *c = a->call;
    struct question q;
    char **codes;
    size_t n;

    WARD_TRY(code_values(c->mem, groups, &codes, &n, c->err));
    question(&q, a, KIND(OBSERVATION), PAGE);
    also(&q, "code", codes, n);
    also(&q, "status", (char **)(uintptr_t)COUNT, WARD_COUNT(COUNT));
    return search(a, &q, out);
}

struct found {
    Record **all;
    size_t n;
};

static enum ward_code add(struct ward_call *c, struct found *f, const SearchResponse *resp)
{
    Record **all = ward_alloc(c->mem, (f->n + resp->n_records) * sizeof(Record *));

    if (all == NULL)
        return WARD_FAIL(c->err, RESOURCE_EXHAUSTED, "no memory for the observations");
    for (size_t i = 0; i < f->n + resp->n_records; i++)
        all[i] = i < f->n ? f->all[i] : resp->records[i - f->n];
    f->all = all;
    f->n += resp->n_records;
    return WARD_OK;
}

/* Two groups at once, newest first; and one of them alone where the other's many hid it. */
static enum ward_code ask_pair(struct asking *a, enum facts_group one, enum facts_group two,
                               int64_t now_us, struct found *f)
{
    enum facts_group pair[] = {one, two};
    struct ward_call *c = a->call;
    size_t had[FACTS_GROUPS];
    SearchResponse *resp;
    Facts counted;

    WARD_TRY(observations(a, GROUP_BIT(one) | GROUP_BIT(two), &resp));
    if (resp->next_page_token.len == 0)
        return add(c, f, resp);
    ward__dosage__v1__facts__init(&counted);
    WARD_TRY(
        facts_measured(resp->records, resp->n_records, now_us, c->mem, &counted, had, c->err));
    WARD_TRY(add(c, f, resp));
    for (size_t i = 0; i < WARD_COUNT(pair); i++) {
        if (had[pair[i]] >= FACTS_EACH)
            continue;
        WARD_TRY(observations(a, GROUP_BIT(pair[i]), &resp));
        WARD_TRY(add(c, f, resp));
    }
    return WARD_OK;
}

/* ---- problems, laboratory values ---- */

#define PROBLEM_PAGE  200
#define PROBLEM_PAGES 3
#define LOINCS_A_CALL 20  /* records takes so many values of a parameter */
#define LAB_PAGE      100 /* of LOINCS_A_CALL codes some has FACTS_LABS values on a full page */
#define LAB_CALLS     24

static enum ward_code ask_problems(struct asking *a, int64_t now_us, Facts *out)
{
    struct ward_call *c = a->call;
    struct found f = {0};
    SearchResponse *resp;
    struct question q;
    bool more = true;

    question(&q, a, KIND(CONDITION), PROBLEM_PAGE);
    for (int page = 0; more && page < PROBLEM_PAGES; page++) {
        WARD_TRY(search(a, &q, &resp));
        WARD_TRY(add(c, &f, resp));
        q.req.page_token = resp->next_page_token;
        more = resp->next_page_token.len > 0;
    }
    WARD_TRY(facts_problems(f.all, f.n, now_us, c->mem, out, c->err));
    out->problems_cut = out->problems_cut || more;
    return WARD_OK;
}

static enum ward_code ask_home(struct asking *a, Facts *out)
{
    static const char *const TAKEN[] = {"active", "intended", "unknown"};
    SearchResponse *resp;
    struct question q;

    question(&q, a, KIND(MEDICATION_STATEMENT), FACTS_HOME);
    also(&q, "status", (char **)(uintptr_t)TAKEN, WARD_COUNT(TAKEN));
    WARD_TRY(search(a, &q, &resp));
    WARD_TRY(facts_home(resp->records, resp->n_records, a->call->mem, out, a->call->err));
    out->home_medicines_cut = out->home_medicines_cut || resp->next_page_token.len > 0;
    return WARD_OK;
}

/* What the active set's rules name, and what says whether the patient is pregnant. Without a
 * set nothing is checked: then only the latter. */
static enum ward_code lab_codes(struct ward_call *c, char ***out, size_t *n)
{
    const struct ruleset *rules = NULL;
    struct ward_err why = {0};
    char *const *named = NULL;
    size_t n_named = 0;

    if (ruleset_active(c->wrk, c->mem, &rules, &why) == WARD_OK)
        named = ruleset_loincs(rules, &n_named);
    *out = ward_alloc(c->mem, (facts_state_codes + n_named) * sizeof(char *));
    if (*out == NULL)
        return WARD_FAIL(c->err, RESOURCE_EXHAUSTED, "no memory for the codes");
    *n = 0;
    for (size_t i = 0; i < facts_state_codes; i++)
        (*out)[(*n)++] = (char *)(uintptr_t)facts_state_code(i);
    for (size_t i = 0; i < n_named; i++) {
        bool has = false;

        for (size_t k = 0; k < facts_state_codes && !has; k++)
            has = strcmp(named[i], (*out)[k]) == 0;
        if (!has)
            (*out)[(*n)++] = named[i];
    }
    return WARD_OK;
}

static enum ward_code ask_codes(struct asking *a, char *const *loincs, size_t n,
                                SearchResponse **out)
{
    static const char *const COUNT[] = {"final", "amended", "corrected"};
    char *codes[LOINCS_A_CALL];
    struct ward_call *c = a->call;
    struct question q;

    for (size_t i = 0; i < n; i++) {
        codes[i] = ward_printf(c->mem, "http://loinc.org|%s", loincs[i]);
        if (codes[i] == NULL)
            return WARD_FAIL(c->err, RESOURCE_EXHAUSTED, "no memory for the codes");
    }
    question(&q, a, KIND(OBSERVATION), LAB_PAGE);
    also(&q, "code", codes, n);
    also(&q, "status", (char **)(uintptr_t)COUNT, WARD_COUNT(COUNT));
    return search(a, &q, out);
}

/* So many codes at once, newest first. Where that is more than a page, those that have enough
 * values on it have hidden the others, which are asked for again without them. */
static enum ward_code ask_labs(struct asking *a, int64_t now_us, Facts *out)
{
    struct ward_call *c = a->call;
    struct found f = {0};
    SearchResponse *resp;
    char **codes, **todo;
    size_t n, left;

    WARD_TRY(lab_codes(c, &codes, &n));
    todo = ward_alloc(c->mem, n * sizeof(char *));
    if (todo == NULL)
        return WARD_FAIL(c->err, RESOURCE_EXHAUSTED, "no memory for the codes");
    memcpy(todo, codes, n * sizeof(char *));
    left = n;
    for (int calls = 0; left > 0 && calls < LAB_CALLS; calls++) {
        size_t part = left < LOINCS_A_CALL ? left : LOINCS_A_CALL, again = 0;
        char **from = todo + left - part;

        WARD_TRY(ask_codes(a, from, part, &resp));
        WARD_TRY(add(c, &f, resp));
        for (size_t i = 0; resp->next_page_token.len > 0 && i < part; i++)
            if (facts_count(resp->records, resp->n_records, from, part, from[i]) < FACTS_LABS)
                from[again++] = from[i];
        left = left - part + again;
    }
    return facts_labs(f.all, f.n, codes, n, now_us, c->mem, out, c->err);
}

enum ward_code ask_all(struct ward_call *c, const uint8_t id[DOSAGE_ID], int64_t now_us,
                       struct answer *out)
{
    size_t had[FACTS_GROUPS];
    struct found f = {0};
    struct asking a;

    begin(&a, c);
    WARD_TRY(read_patient(&a, id, out));
    WARD_TRY(ask_ward(&a, now_us, out));
    WARD_TRY(ask_allergies(&a, out->facts));
    WARD_TRY(ask_pair(&a, GROUP_WEIGHT, GROUP_HEIGHT, now_us, &f));
    WARD_TRY(ask_pair(&a, GROUP_CREATININE, GROUP_EGFR, now_us, &f));
    WARD_TRY(facts_measured(f.all, f.n, now_us, c->mem, out->facts, had, c->err));
    WARD_TRY(ask_problems(&a, now_us, out->facts));
    WARD_TRY(ask_home(&a, out->facts));
    return ask_labs(&a, now_us, out->facts);
}
