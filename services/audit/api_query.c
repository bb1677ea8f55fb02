/* Query and QueryPatient: events, newest first. The query's own event is in the log before the
 * answer. */
#include "common/base/text.h"
#include "services/audit/wire.h"

#include <string.h>

typedef Ward__Audit__V1__QueryRequest QueryRequest;
typedef Ward__Audit__V1__QueryResponse QueryResponse;
typedef Ward__Audit__V1__Record Record;

#define PAGE      50
#define PAGE_MOST 200
#define TOKEN     (16 + AUDIT_SEARCH) /* a token contains time, index and tag */

static void be64(uint64_t v, uint8_t *out)
{
    for (int i = 0; i < 8; i++)
        out[i] = (uint8_t)(v >> (56 - 8 * i));
}

static uint64_t from_be64(const uint8_t *in)
{
    uint64_t v = 0;

    for (int i = 0; i < 8; i++)
        v = v << 8 | in[i];
    return v;
}

/* Binds a position to the filters and to the person, so that nobody else can use the token. */
static enum ward_code tag(struct ward_call *c, const QueryRequest *q, const uint8_t place[16],
                          uint8_t out[AUDIT_SEARCH])
{
    struct audit_worker *w = c->wrk;
    char *text = ward_printf(
        c->mem, "%llx %llx|%zu:%s|%zu:%s|%zu:%s|%zu:%s|%zu:%s|%d|%lld|%lld",
        (unsigned long long)from_be64(place), (unsigned long long)from_be64(place + 8),
        strlen(q->patient), q->patient, strlen(q->actor), q->actor, strlen(q->action),
        q->action, strlen(q->service), q->service, strlen(c->who->subject), c->who->subject,
        (int)q->outcome, (long long)q->from_us, (long long)q->to_us);

    if (text == NULL)
        return WARD_FAIL(c->err, RESOURCE_EXHAUSTED,
                         "the call needs more memory than permitted");
    vault_tag(audit_vault(w->a), text, strlen(text), out);
    return WARD_OK;
}

static enum ward_code from_token(struct ward_call *c, const QueryRequest *q,
                                 struct audit_filter *f)
{
    uint8_t want[AUDIT_SEARCH];
    uint8_t t[TOKEN];
    size_t n = 0;

    if (*q->page_token == '\0')
        return WARD_OK;
    if (ward_unbase64url(q->page_token, strlen(q->page_token), t, sizeof(t), &n) &&
        n == TOKEN) {
        WARD_TRY(tag(c, q, t, want));
        if (ward_equal(want, t + 16, sizeof(want))) {
            f->before_us = (int64_t)from_be64(t);
            f->before_index = from_be64(t + 8);
            return WARD_OK;
        }
    }
    return ward_err_about(c->err,
                          WARD_FAIL_REASON(c->err, INVALID_ARGUMENT, "PAGE_TOKEN_INVALID",
                                           "page_token does not belong to this query"),
                          "page_token");
}

static enum ward_code filter_of(struct ward_call *c, const QueryRequest *q,
                                struct audit_filter *f)
{
    const struct {
        const char *name, *value;
    } texts[] = {{"patient", q->patient},
                 {"actor", q->actor},
                 {"action", q->action},
                 {"service", q->service}};

    for (size_t i = 0; i < WARD_COUNT(texts); i++)
        if (!audit_text_fits(texts[i].value, 128))
            return WARD_FAIL_FIELD(
                c->err, texts[i].name,
                "is longer than 128 bytes or contains a character that is not allowed");
    if ((int)q->outcome < 0 || (int)q->outcome > 3)
        return WARD_FAIL_FIELD(c->err, "outcome", "is not an outcome");
    if (q->from_us < 0 || q->to_us < 0 || (q->to_us != 0 && q->to_us <= q->from_us))
        return WARD_FAIL_FIELD(c->err, "to_us",
                               "must be after from_us, and neither may be negative");
    if (q->page_size < 0 || q->page_size > PAGE_MOST)
        return WARD_FAIL_FIELD(c->err, "page_size", "must be 0 to %d", PAGE_MOST);
    *f = (struct audit_filter){
        .patient = q->patient,
        .actor = q->actor,
        .action = q->action,
        .service = q->service,
        .outcome = (int)q->outcome,
        .from_us = q->from_us,
        .to_us = q->to_us == 0 ? INT64_MAX : q->to_us,
        .before_us = INT64_MAX,
        .before_index = INT64_MAX,
        .most = (q->page_size == 0 ? PAGE : (size_t)q->page_size) + 1,
    };
    return from_token(c, q, f);
}

static enum ward_code record_query(struct ward_call *c, const QueryRequest *q, size_t rows)
{
    struct own o = own_of(c);

    o.patient = q->patient;
    if (*q->actor != '\0')
        own_detail(&o, "actor", q->actor);
    if (*q->action != '\0')
        own_detail(&o, "action", q->action);
    if (*q->service != '\0')
        own_detail(&o, "service", q->service);
    if (q->outcome != 0)
        own_detail(&o, "outcome", ward_printf(c->mem, "%d", (int)q->outcome));
    if (q->from_us != 0 || q->to_us != 0)
        own_detail(
            &o, "time_us",
            ward_printf(c->mem, "%lld..%lld", (long long)q->from_us, (long long)q->to_us));
    own_detail(&o, "rows", ward_printf(c->mem, "%zu", rows));
    own_detail(&o, "next_page", *q->page_token == '\0' ? "no" : "yes");
    return own_call(c, &o, NULL);
}

static enum ward_code next_token(struct ward_call *c, const QueryRequest *q, int64_t at_us,
                                 uint64_t index, char **out)
{
    char *text = ward_alloc(c->mem, WARD_BASE64_SIZE(TOKEN));
    uint8_t t[TOKEN];

    if (text == NULL)
        return WARD_FAIL(c->err, RESOURCE_EXHAUSTED,
                         "the call needs more memory than permitted");
    be64((uint64_t)at_us, t);
    be64(index, t + 8);
    WARD_TRY(tag(c, q, t, t + 16));
    ward_base64url(t, sizeof(t), text);
    *out = text;
    return WARD_OK;
}

static enum ward_code records_of(struct ward_call *c, const struct audit_entry *entries,
                                 size_t n, Record ***out)
{
    static const Record INIT = WARD__AUDIT__V1__RECORD__INIT;
    Record **list = audit_list(c->mem, sizeof(Record), n, &INIT);

    if (list == NULL)
        return WARD_FAIL(c->err, RESOURCE_EXHAUSTED,
                         "the call needs more memory than permitted");
    for (size_t i = 0; i < n; i++)
        WARD_TRY(record_of(&entries[i], c->mem, list[i], c->err));
    *out = list;
    return WARD_OK;
}

static enum ward_code query(struct ward_call *c, const QueryRequest *q, QueryResponse *resp)
{
    struct audit_worker *w = audit_serve(c);
    struct audit_entry *entries;
    struct audit_filter f;
    int64_t *at_us;
    size_t n;

    WARD_TRY(filter_of(c, q, &f));
    WARD_TRY(search(audit_vault(w->a), w->db, c->mem, &f, &entries, &at_us, &n, c->err));
    if (n == f.most) {
        n--;
        WARD_TRY(next_token(c, q, at_us[n - 1], entries[n - 1].index, &resp->next_page_token));
    }
    WARD_TRY(records_of(c, entries, n, &resp->records));
    resp->n_records = n;
    return record_query(c, q, n);
}

enum ward_code audit_query_rpc(struct ward_call *c, const ProtobufCMessage *q,
                               ProtobufCMessage *r)
{
    return query(c, (const QueryRequest *)q, (QueryResponse *)r);
}

/* ---- QueryPatient ---- */

typedef Ward__Audit__V1__QueryPatientRequest PatientRequest;
typedef Ward__Audit__V1__QueryPatientResponse PatientResponse;

static enum ward_code patient_filter(struct ward_call *c, const PatientRequest *q,
                                     struct audit_filter *f)
{
    QueryRequest plain = WARD__AUDIT__V1__QUERY_REQUEST__INIT;

    if (*q->patient == '\0')
        return WARD_FAIL_FIELD(c->err, "patient", "is empty");
    if (q->most < 0 || q->most > PAGE_MOST + 1)
        return WARD_FAIL_FIELD(c->err, "most", "must be 0 to %d", PAGE_MOST + 1);
    if (q->before_us < 0 || q->before_index > INT64_MAX)
        return WARD_FAIL_FIELD(c->err, "before_us", "is not a position in the log");
    plain.patient = q->patient;
    plain.from_us = q->from_us;
    plain.to_us = q->to_us;
    WARD_TRY(filter_of(c, &plain, f));
    f->most = q->most == 0 ? PAGE : (size_t)q->most;
    if (q->before_us != 0) {
        f->before_us = q->before_us;
        f->before_index = q->before_index;
    }
    return WARD_OK;
}

static enum ward_code query_patient(struct ward_call *c, const PatientRequest *q,
                                    PatientResponse *resp)
{
    struct audit_worker *w = audit_serve(c);
    struct own o = own_of(c);
    struct audit_entry *entries;
    struct audit_filter f;
    int64_t *at_us;

    WARD_TRY(patient_filter(c, q, &f));
    WARD_TRY(search(audit_vault(w->a), w->db, c->mem, &f, &entries, &at_us, &resp->n_records,
                    c->err));
    WARD_TRY(records_of(c, entries, resp->n_records, &resp->records));
    o.patient = q->patient;
    own_detail(&o, "rows", ward_printf(c->mem, "%zu", resp->n_records));
    own_detail(&o, "next_page", q->before_us == 0 ? "no" : "yes");
    return own_call(c, &o, NULL);
}

enum ward_code audit_query_patient_rpc(struct ward_call *c, const ProtobufCMessage *q,
                                       ProtobufCMessage *r)
{
    return query_patient(c, (const PatientRequest *)q, (PatientResponse *)r);
}
