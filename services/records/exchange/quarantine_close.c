/* A quarantined Consent denies all access that it might deny, until a person decides. */
#include "services/records/access/label.h"
#include "services/records/exchange/quarantine_own.h"
#include "services/records/index/resource.h"

#include <string.h>

#define KINDS_SYSTEM "http://hl7.org/fhir/resource-types"
#define COLUMNS      6

/* Denies everything, because the Consent cannot be interpreted. */
static void everything(struct closed *c)
{
    memset(&c->at[0], 0, sizeof(c->at[0]));
    c->n = 1;
}

static const char *text_of(const struct ward_json *v, const char *key)
{
    const char *s = ward_json_string(ward_json_get(v, key));

    return s == NULL ? "" : s;
}

/* Returns the bits of a list of codings. If a coding is unknown, returns 0, which means all
 * kinds. */
static uint32_t kinds_of(const struct ward_json *list)
{
    uint32_t bits = 0;

    for (const struct ward_json *v = list == NULL ? NULL : list->first; v != NULL;
         v = v->next) {
        enum kind kind = strcmp(text_of(v, "system"), KINDS_SYSTEM) == 0
                             ? kind_of_chart(text_of(v, "code"))
                             : KIND_NONE;

        if (kind == KIND_NONE)
            return 0;
        bits |= KIND_BIT(kind) | KIND_BIT(KIND_OTHER); /* like kinds_of in index_consent.c */
    }
    return bits;
}

static uint32_t labels_of(const struct ward_json *list)
{
    uint32_t bits = 0;

    for (const struct ward_json *v = list == NULL ? NULL : list->first; v != NULL;
         v = v->next) {
        uint32_t label = label_of_security(text_of(v, "system"), text_of(v, "code"));

        if (label == 0)
            return 0;
        bits |= label | LABEL_UNKNOWN;
    }
    return bits;
}

/* Reads the denials of a provision and its nested provisions. Ignores restrictions of a denial
 * that would make it narrower: actors, actions, purposes, codes, data, periods, nested
 * permissions. Returns false if the provision cannot be interpreted. */
static bool deny_of(const struct ward_json *p, struct closed *c)
{
    const struct ward_json *within = ward_json_get(p, "provision");
    const char *type = text_of(p, "type");

    if (!ward_json_is(p, WARD_JSON_OBJECT) || ward_json_get(p, "modifierExtension") != NULL ||
        (within != NULL && !ward_json_is(within, WARD_JSON_ARRAY)) || c->n == CLOSED_MOST)
        return false;
    if (strcmp(type, "deny") == 0) {
        c->at[c->n].kinds = kinds_of(ward_json_get(p, "class"));
        c->at[c->n++].labels = labels_of(ward_json_get(p, "securityLabel"));
        return true;
    }
    if (strcmp(type, "permit") != 0 && (*type != '\0' || within == NULL))
        return false;
    for (const struct ward_json *v = within == NULL ? NULL : within->first; v != NULL;
         v = v->next)
        if (!deny_of(v, c))
            return false;
    return true;
}

/* Whether the policy rule is an opt-out, which denies everything if there is no provision.
 * Source: HL7 v3 ActCode,
 * OPTOUT and its children. */
static bool opted_out(const struct ward_json *consent)
{
    const struct ward_json *list =
        ward_json_get(ward_json_get(consent, "policyRule"), "coding");

    for (const struct ward_json *v = list == NULL ? NULL : list->first; v != NULL; v = v->next)
        if (strncmp(text_of(v, "code"), "OPTOUT", strlen("OPTOUT")) == 0)
            return true;
    return false;
}

static void closed_by(const struct ward_json *consent, struct closed *c)
{
    static const char *const NOT_ACTIVE[] = {"draft", "proposed", "rejected", "inactive",
                                             "entered-in-error"};
    const struct ward_json *p = ward_json_get(consent, "provision");

    c->n = 0;
    for (size_t i = 0; i < WARD_COUNT(NOT_ACTIVE); i++)
        if (strcmp(text_of(consent, "status"), NOT_ACTIVE[i]) == 0)
            return;
    if (!ward_json_is(consent, WARD_JSON_OBJECT) ||
        ward_json_get(consent, "modifierExtension") != NULL ||
        ward_json_get(consent, "implicitRules") != NULL || (p == NULL && opted_out(consent)) ||
        (p != NULL && !deny_of(p, c)))
        everything(c);
}

enum ward_code closed_of(struct ward_arena *mem, struct quarantined *q, struct closed *out,
                         struct ward_err *err)
{
    const struct ward_json *json = NULL;

    out->n = 0;
    if (q->kind != KIND_CONSENT || q->patient == NULL)
        return WARD_OK;
    if (q->n == 0 || ward_json_parse(q->json, q->n, NULL, mem, &json, NULL) != WARD_OK)
        everything(out);
    else
        closed_by(json, out);
    if (out->n == 0)
        return WARD_OK;
    return problem_add(mem, &q->problems, "CONSENT_NOT_ENFORCEABLE", "Consent.provision",
                       "until a person decides, everything that this consent could deny is "
                       "hidden from people who treat "
                       "the patient, except under a break-glass grant",
                       NULL, err);
}

enum ward_code closed_put(struct worker *w, struct ward_arena *mem,
                          const uint8_t item[RECORDS_ID], const uint8_t patient[RECORDS_ID],
                          const struct closed *c, struct ward_err *err)
{
    static const char SQL[] =
        "INSERT INTO consent_deny (consent_id, n, patient_id, actor, role,"
        " kinds, labels, from_us, to_us) VALUES (?, ?, ?, NULL, NULL, ?,"
        " ?, -9223372036854775808, ?)";
    struct ward_val *rows = ward_alloc(mem, (c->n + 1) * COLUMNS * sizeof(*rows));

    if (rows == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for the denials of a consent");
    for (size_t i = 0; i < c->n; i++) {
        struct ward_val *row = rows + i * COLUMNS;

        row[0] = ward_blob(item, RECORDS_ID);
        row[1] = ward_int(mem, (int64_t)i);
        row[2] = ward_blob(patient, RECORDS_ID);
        row[3] = ward_int(mem, c->at[i].kinds);
        row[4] = ward_int(mem, c->at[i].labels);
        row[5] = ward_int(mem, INT64_MAX);
    }
    return ward_db_bulk(w->event_ctx.db, SQL, rows, COLUMNS, c->n, err);
}

enum ward_code closed_drop(struct worker *w, struct ward_arena *mem,
                           const uint8_t item[RECORDS_ID], struct ward_err *err)
{
    static const char SQL[] = "DELETE FROM consent_deny WHERE consent_id = ?";

    return ward_db_run(w->event_ctx.db, mem, SQL, WARD_PARAMS(ward_blob(item, RECORDS_ID)),
                       NULL, err);
}
