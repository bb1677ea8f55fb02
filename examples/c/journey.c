/* One patient's journey, as a hospital's own program makes it: enrol, chart, order, verify,
 * give, read, prove.
 *
 *   journey ward.properties RECEIPT      (examples/README.md says how both come about)
 *
 * In C: protobuf-c for the messages, Ward's own client (common/rpc/client.h) over gRPC's core,
 * which retries by itself what may be retried: UNAVAILABLE, of methods that only read. What
 * writes has an idempotency key, and `call` below makes it again. */
#include "common/base/clock.h"
#include "common/base/crypto.h"
#include "common/base/text.h"
#include "common/rpc/client.h"

#include "ward/audit/v1/audit.pb-c.h"
#include "ward/dosage/v1/administration.pb-c.h"
#include "ward/dosage/v1/orders.pb-c.h"
#include "ward/dosage/v1/schedule.pb-c.h"
#include "ward/identity/v1/identity.pb-c.h"
#include "ward/records/v1/records.pb-c.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define WARD    "ward-3"
#define BED     "bed-7"
#define BARCODE "(01)02999990010015" /* paracetamol 500 mg tablets of the sample formulary */
#define TRIES   4

enum { IDENTITY, RECORDS, DOSAGE, AUDIT, N_SERVICES };
static const char *const SERVICES[] = {"identity", "records", "dosage", "audit"};

static struct ward_arena mem; /* for the whole journey */
static char *conf;            /* the lines of ward.properties */
static struct ward_client *clients[N_SERVICES];

static void stop(const char *what, const struct ward_err *err)
{
    fprintf(stderr, "%s: %s %s %s: %s\n", what, err == NULL ? "" : ward_code_name(err->code),
            err == NULL ? "" : err->reason, err == NULL ? "" : err->field,
            err == NULL ? "" : err->msg);
    exit(1); /* lint: allowed, because this is an example's main program */
}

/* ---- files ---- */

static char *whole(const char *path, size_t *n)
{
    FILE *f = fopen(path, "rb");
    char *all = ward_alloc(&mem, 4 << 20);

    if (f == NULL || all == NULL)
        stop(path, NULL);
    *n = fread(all, 1, (4 << 20) - 1, f);
    all[*n] = '\0';
    fclose(f);
    return all;
}

static char *property(const char *name)
{
    size_t n = strlen(name);

    for (const char *line = conf; line != NULL && *line != '\0';) {
        const char *end = strchr(line, '\n');
        size_t len = end == NULL ? strlen(line) : (size_t)(end - line);

        if (len > n && strncmp(line, name, n) == 0 && line[n] == '=')
            return ward_printf(&mem, "%.*s", (int)(len - n - 1), line + n + 1);
        line = end == NULL ? NULL : end + 1;
    }
    stop(name, NULL);
    return NULL;
}

/* ---- calls ---- */

/* Not DEADLINE_EXCEEDED of a method without a key: it may have been done. */
static bool may_repeat(const struct ward_err *err, bool idempotent)
{
    if (err->code == WARD_RESOURCE_EXHAUSTED)
        return err->retry_after_ms > 0;
    return idempotent && (err->code == WARD_UNAVAILABLE ||
                          err->code == WARD_DEADLINE_EXCEEDED || err->code == WARD_CANCELLED);
}

/* The same request, with its key, is made again after 0.1, 0.4, 1.6 s, or after RetryInfo. */
static enum ward_code call(int service, const char *role, const char *path, bool idempotent,
                           const void *request, const ProtobufCMessageDescriptor *type,
                           void *answer, struct ward_err *err)
{
    char name[32];

    snprintf(name, sizeof(name), "token.%s", role);
    for (int n = 0;; n++) {
        struct ward_out with = {.deadline_ns = ward_mono_ns() + 10000 * WARD_NS_PER_MS,
                                .token = property(name)};
        ProtobufCMessage *got = NULL;
        int64_t wait_ms = 100 << 2 * n;
        enum ward_code code =
            ward_client_call(clients[service], path, &with, request, type, &got, &mem, err);

        if (code == WARD_OK)
            *(ProtobufCMessage **)answer = got;
        if (code == WARD_OK || n + 1 == TRIES || !may_repeat(err, idempotent))
            return code;
        if (err->retry_after_ms > wait_ms)
            wait_ms = err->retry_after_ms;
        nanosleep(&(struct timespec){wait_ms / 1000, wait_ms % 1000 * 1000000}, NULL);
    }
}

/* A call that must be answered. */
static void must(int service, const char *role, const char *path, bool idempotent,
                 const void *request, const ProtobufCMessageDescriptor *type, void *answer)
{
    struct ward_err err = {0};

    if (call(service, role, path, idempotent, request, type, answer, &err) != WARD_OK)
        stop(path, &err);
}

/* One key an act: chosen before the first try, sent again with every repetition. */
static char *new_key(void)
{
    char *text = ward_alloc(&mem, 37);
    uint8_t id[16];

    ward_uuid7(id);
    ward_uuid_text(id, text);
    return text;
}

/* ---- the journey ---- */

static char *enrol(void)
{
    Ward__Identity__V1__Consent consent = WARD__IDENTITY__V1__CONSENT__INIT;
    Ward__Identity__V1__EnrolRequest q = WARD__IDENTITY__V1__ENROL_REQUEST__INIT;
    Ward__Identity__V1__EnrolResponse *a;

    consent.purpose = "patient-identification";
    consent.text_version = "2026-03-en";
    consent.given_by = "self";
    q.idempotency_key = new_key();
    q.kind = WARD__IDENTITY__V1__SUBJECT_KIND__SUBJECT_KIND_PATIENT;
    q.photograph.data = (uint8_t *)whole(property("photo"), &q.photograph.len);
    q.consent = &consent;
    q.birth_year = 1980;
    must(IDENTITY, "registrar", "/ward.identity.v1.Identity/Enrol", true, &q,
         &ward__identity__v1__enrol_response__descriptor, &a);
    return a->subject_id;
}

#define LIST(one) (&(__typeof__(&(one))){&(one)}) /* a repeated field of one element */

static void create(const char *role, Ward__Records__V1__Resource *resource)
{
    Ward__Records__V1__CreateRequest q = WARD__RECORDS__V1__CREATE_REQUEST__INIT;
    Ward__Records__V1__CreateResponse *a;

    q.idempotency_key = new_key();
    q.resource = resource;
    must(RECORDS, role, "/ward.records.v1.Records/Create", true, &q,
         &ward__records__v1__create_response__descriptor, &a);
}

static void patient_and_stay(char *id, Ward__Records__V1__Reference *whose, char *now)
{
    Ward__Records__V1__Resource r = WARD__RECORDS__V1__RESOURCE__INIT;
    Ward__Records__V1__Patient patient = WARD__RECORDS__V1__PATIENT__INIT;
    Ward__Records__V1__HumanName name = WARD__RECORDS__V1__HUMAN_NAME__INIT;
    Ward__Records__V1__Encounter stay = WARD__RECORDS__V1__ENCOUNTER__INIT;
    Ward__Records__V1__Coding inpatient = WARD__RECORDS__V1__CODING__INIT;
    Ward__Records__V1__Period period = WARD__RECORDS__V1__PERIOD__INIT;
    Ward__Records__V1__Encounter__Location at = WARD__RECORDS__V1__ENCOUNTER__LOCATION__INIT;
    Ward__Records__V1__Reference where = WARD__RECORDS__V1__REFERENCE__INIT;

    name.family = "Beispiel";
    patient.id = id;
    patient.n_name = 1;
    patient.name = LIST(name);
    patient.birth_date = "1980-01-31";
    r.resource_case = WARD__RECORDS__V1__RESOURCE__RESOURCE_PATIENT;
    r.patient = &patient;
    create("registrar", &r);
    inpatient.system = "http://terminology.hl7.org/CodeSystem/v3-ActCode";
    inpatient.code = "IMP";
    period.start = now;
    where.reference = "Location/" WARD;
    at.location = &where;
    stay.status = WARD__RECORDS__V1__ENCOUNTER__STATUS__STATUS_IN_PROGRESS;
    stay.class_ = &inpatient;
    stay.subject = whose;
    stay.period = &period;
    stay.n_location = 1;
    stay.location = LIST(at);
    r.resource_case = WARD__RECORDS__V1__RESOURCE__RESOURCE_ENCOUNTER;
    r.encounter = &stay;
    create("registrar", &r);
}

static void weigh(Ward__Records__V1__Reference *whose, char *now)
{
    Ward__Records__V1__Resource r = WARD__RECORDS__V1__RESOURCE__INIT;
    Ward__Records__V1__Observation o = WARD__RECORDS__V1__OBSERVATION__INIT;
    Ward__Records__V1__CodeableConcept code = WARD__RECORDS__V1__CODEABLE_CONCEPT__INIT;
    Ward__Records__V1__Coding loinc = WARD__RECORDS__V1__CODING__INIT;
    Ward__Records__V1__Quantity kilograms = WARD__RECORDS__V1__QUANTITY__INIT;
    Ward__Records__V1__Decimal value = WARD__RECORDS__V1__DECIMAL__INIT;

    loinc.system = "http://loinc.org";
    loinc.code = "29463-7";
    code.n_coding = 1;
    code.coding = LIST(loinc);
    value.value = "62.5";
    kilograms.value = &value;
    kilograms.unit = kilograms.code = "kg";
    kilograms.system = "http://unitsofmeasure.org";
    o.status = WARD__RECORDS__V1__OBSERVATION__STATUS__STATUS_FINAL;
    o.code = &code;
    o.subject = whose;
    o.effective_case = WARD__RECORDS__V1__OBSERVATION__EFFECTIVE_EFFECTIVE_DATE_TIME;
    o.effective_date_time = now;
    o.value_case = WARD__RECORDS__V1__OBSERVATION__VALUE_VALUE_QUANTITY;
    o.value_quantity = &kilograms;
    r.resource_case = WARD__RECORDS__V1__RESOURCE__RESOURCE_OBSERVATION;
    r.observation = &o;
    create("nurse", &r);
}

static void allergic(Ward__Records__V1__Reference *whose)
{
    Ward__Records__V1__Resource r = WARD__RECORDS__V1__RESOURCE__INIT;
    Ward__Records__V1__AllergyIntolerance a = WARD__RECORDS__V1__ALLERGY_INTOLERANCE__INIT;
    Ward__Records__V1__CodeableConcept status = WARD__RECORDS__V1__CODEABLE_CONCEPT__INIT;
    Ward__Records__V1__CodeableConcept code = status;
    Ward__Records__V1__Coding active = WARD__RECORDS__V1__CODING__INIT, penicillin = active;

    active.system = "http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical";
    active.code = "active";
    penicillin.system = "http://snomed.info/sct";
    penicillin.code = "91936005";
    status.n_coding = code.n_coding = 1;
    status.coding = LIST(active);
    code.coding = LIST(penicillin);
    a.clinical_status = &status;
    a.code = &code;
    a.patient = whose;
    r.resource_case = WARD__RECORDS__V1__RESOURCE__RESOURCE_ALLERGY_INTOLERANCE;
    r.allergy_intolerance = &a;
    create("physician", &r);
}

/* Patient.id is the subject's id; the open encounter's ward is the one in the clinicians'
 * tokens. Without it they see nobody. */
static void chart(char *patient)
{
    Ward__Records__V1__Reference whose = WARD__RECORDS__V1__REFERENCE__INIT;
    char now[32];
    time_t t = time(NULL);
    struct tm tm;

    gmtime_r(&t, &tm);
    strftime(now, sizeof(now), "%Y-%m-%dT%H:%M:%SZ", &tm);
    whose.reference = ward_printf(&mem, "Patient/%s", patient);
    patient_and_stay(patient, &whose, now);
    weigh(&whose, now);
    allergic(&whose);
}

static Ward__Dosage__V1__PlaceResponse *place(char *patient, char *drug, char *milligrams)
{
    Ward__Dosage__V1__PlaceRequest q = WARD__DOSAGE__V1__PLACE_REQUEST__INIT;
    Ward__Dosage__V1__Prescription p = WARD__DOSAGE__V1__PRESCRIPTION__INIT;
    Ward__Dosage__V1__Quantity dose = WARD__DOSAGE__V1__QUANTITY__INIT;
    Ward__Dosage__V1__Timing timing = WARD__DOSAGE__V1__TIMING__INIT;
    Ward__Dosage__V1__PlaceResponse *a;

    dose.value = milligrams;
    dose.unit = "mg";
    timing.kind = WARD__DOSAGE__V1__TIMING__KIND__KIND_INTERVAL;
    timing.interval_minutes = 480;
    p.drug_id = drug;
    p.dose = &dose;
    p.route = WARD__DOSAGE__V1__ROUTE__ROUTE_PO;
    p.timing = &timing;
    q.idempotency_key = new_key();
    q.patient_id = patient;
    q.prescription = &p;
    must(DOSAGE, "physician", "/ward.dosage.v1.Orders/Place", true, &q,
         &ward__dosage__v1__place_response__descriptor, &a);
    return a;
}

static char *order(char *patient)
{
    /* An answer with status OK: `placed` says whether it was ordered. */
    Ward__Dosage__V1__PlaceResponse *a = place(patient, "amoxicillin", "500");

    if (a->placed || a->n_open == 0)
        stop("amoxicillin was ordered against an allergy", NULL);
    printf("refused  amoxicillin: %s\n", a->open[0]);
    a = place(patient, "paracetamol", "1000");
    if (!a->placed)
        stop("paracetamol was not ordered", NULL);
    return a->order->order_id;
}

/* The token is good for this patient, place and purpose, for 120 s at most, once. Verify has no
 * key: made again it would be another attempt. */
static char *verify(char *patient)
{
    Ward__Identity__V1__VerifyRequest q = WARD__IDENTITY__V1__VERIFY_REQUEST__INIT;
    Ward__Identity__V1__VerifyResponse *a;

    q.subject_id = patient;
    q.photograph.data = (uint8_t *)whole(property("again"), &q.photograph.len);
    q.place = BED;
    q.purpose = "administration";
    q.attended = true;
    must(IDENTITY, "nurse", "/ward.identity.v1.Identity/Verify", false, &q,
         &ward__identity__v1__verify_response__descriptor, &a);
    if (a->outcome != WARD__IDENTITY__V1__OUTCOME__OUTCOME_MATCH)
        stop("the patient was not recognised", NULL);
    return a->token;
}

static char *due(char *patient, char *order_id)
{
    Ward__Dosage__V1__ListSlotsRequest q = WARD__DOSAGE__V1__LIST_SLOTS_REQUEST__INIT;
    Ward__Dosage__V1__ListSlotsResponse *a;

    q.patient_id = patient;
    q.order_id = order_id;
    must(DOSAGE, "nurse", "/ward.dosage.v1.Schedule/ListSlots", true, &q,
         &ward__dosage__v1__list_slots_response__descriptor, &a);
    for (size_t i = 0; i < a->n_slots; i++)
        if (a->slots[i]->state == WARD__DOSAGE__V1__SLOT_STATE__SLOT_STATE_DUE)
            return a->slots[i]->slot_id;
    stop("no dose is due", NULL);
    return NULL;
}

static char *give(char *patient, char *order_id)
{
    Ward__Dosage__V1__AdministerRequest q = WARD__DOSAGE__V1__ADMINISTER_REQUEST__INIT;
    Ward__Dosage__V1__Quantity dose = WARD__DOSAGE__V1__QUANTITY__INIT;
    Ward__Dosage__V1__AdministerResponse *a, *again;

    dose.value = "1000";
    dose.unit = "mg";
    q.idempotency_key = new_key();
    q.patient_id = patient;
    q.order_id = order_id;
    q.slot_id = due(patient, order_id);
    q.outcome = WARD__DOSAGE__V1__DOSE_OUTCOME__DOSE_OUTCOME_GIVEN;
    q.ppid_token = verify(patient);
    q.place = BED;
    q.scan = BARCODE;
    q.units = "2";
    q.dose = &dose;
    q.route = WARD__DOSAGE__V1__ROUTE__ROUTE_PO;
    must(DOSAGE, "nurse", "/ward.dosage.v1.Administrations/Administer", true, &q,
         &ward__dosage__v1__administer_response__descriptor, &a);
    if (!a->recorded)
        stop("the dose was refused", NULL);
    /* As after a connection that broke. */
    must(DOSAGE, "nurse", "/ward.dosage.v1.Administrations/Administer", true, &q,
         &ward__dosage__v1__administer_response__descriptor, &again);
    if (strcmp(a->administration->administration_id,
               again->administration->administration_id) != 0)
        stop("the dose was recorded twice", NULL);
    printf("given    once: %s\n", a->administration->administration_id);
    return a->administration->event_id;
}

static void read_back(char *patient)
{
    Ward__Records__V1__SearchRequest q = WARD__RECORDS__V1__SEARCH_REQUEST__INIT;
    Ward__Records__V1__Parameter whose = WARD__RECORDS__V1__PARAMETER__INIT;
    Ward__Dosage__V1__PlaceRequest place_q = WARD__DOSAGE__V1__PLACE_REQUEST__INIT;
    Ward__Records__V1__SearchResponse *a;
    Ward__Dosage__V1__PlaceResponse *none;
    struct ward_err err = {0};
    char *value;

    whose.name = "patient";
    whose.n_values = 1;
    whose.values = &(char *){ward_printf(&mem, "Patient/%s", patient)};
    q.kind = WARD__RECORDS__V1__KIND__KIND_OBSERVATION;
    q.n_parameters = 1;
    q.parameters = LIST(whose);
    must(RECORDS, "nurse", "/ward.records.v1.Records/Search", true, &q,
         &ward__records__v1__search_response__descriptor, &a);
    value = a->n_records != 1
                ? ""
                : a->records[0]->resource->observation->value_quantity->value->value;
    if (strcmp(value, "62.5") != 0)
        stop("the weight was not found", NULL);
    place_q.idempotency_key = new_key();
    place_q.patient_id = patient;
    if (call(DOSAGE, "nurse", "/ward.dosage.v1.Orders/Place", true, &place_q,
             &ward__dosage__v1__place_response__descriptor, &none, &err) == WARD_OK)
        stop("a nurse placed an order", NULL);
    printf("refused  %s %s\n", ward_code_name(err.code), err.reason);
    if (err.code != WARD_PERMISSION_DENIED || strcmp(err.reason, "ROLE_MISSING") != 0)
        stop("another refusal was expected", &err);
}

/* The event reaches the log a moment after the act; wardctl audit verify --receipt checks the
 * file offline. */
static void prove(const char *event, const char *path)
{
    Ward__Audit__V1__GetReceiptRequest q = WARD__AUDIT__V1__GET_RECEIPT_REQUEST__INIT;
    Ward__Audit__V1__GetReceiptResponse *a = NULL;
    struct ward_err err = {0};
    uint8_t *bytes;
    size_t n;
    FILE *f;

    q.event_id = (char *)(uintptr_t)event; /* protobuf-c has no const */
    for (int tries = 0; a == NULL; tries++) {
        enum ward_code code =
            call(AUDIT, "auditor", "/ward.audit.v1.Audit/GetReceipt", true, &q,
                 &ward__audit__v1__get_receipt_response__descriptor, &a, &err);

        if (code != WARD_OK && (code != WARD_NOT_FOUND || tries == 100))
            stop("GetReceipt", &err);
        if (code != WARD_OK)
            nanosleep(&(struct timespec){.tv_nsec = 100 * WARD_NS_PER_MS}, NULL);
    }
    n = ward__audit__v1__receipt__get_packed_size(a->receipt);
    bytes = ward_alloc(&mem, n);
    f = fopen(path, "wb");
    if (bytes == NULL || f == NULL ||
        fwrite(bytes, 1, ward__audit__v1__receipt__pack(a->receipt, bytes), f) != n ||
        fclose(f) != 0)
        stop(path, NULL);
    printf("receipt  of entry %llu\n", (unsigned long long)a->receipt->index);
}

static void connect_all(void)
{
    struct ward_err err = {0};

    for (int i = 0; i < N_SERVICES; i++) {
        struct ward_client_config cfg = {
            .target = property(SERVICES[i]),
            .tls = {.ca = property("ca"), .cert = property("cert"), .key = property("key")},
            .server = SERVICES[i], /* who must answer: spiffe://ward/<server> */
            .max_message = (size_t)16 << 20,
        };

        if (ward_client_open(&cfg, &clients[i], &err) != WARD_OK)
            stop(SERVICES[i], &err);
    }
}

int main(int argc, char **argv)
{
    char *patient;
    size_t n;

    if (argc != 3) {
        fprintf(stderr, "usage: %s ward.properties RECEIPT\n", argv[0]);
        return 2;
    }
    ward_arena_init(&mem, (size_t)256 << 20);
    conf = whole(argv[1], &n);
    connect_all();
    patient = enrol();
    chart(patient);
    char *event = give(patient, order(patient));
    read_back(patient);
    prove(event, argv[2]);
    for (int i = 0; i < N_SERVICES; i++)
        ward_client_close(clients[i]);
    ward_arena_done(&mem);
    return 0;
}
