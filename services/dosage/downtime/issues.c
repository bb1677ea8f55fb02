#include "services/dosage/downtime/reconcile.h"

#include <stdio.h>
#include <string.h>

#define TEXT_MOST 128 /* bytes of a person's name */
#define SCAN_MOST 512

void issue_add(struct issues *list, const char *what)
{
    for (size_t i = 0; i < list->n; i++)
        if (strcmp(list->at[i], what) == 0)
            return;
    if (list->n == ISSUES_MOST)
        list->at[ISSUES_MOST - 1] = "more";
    else
        list->at[list->n++] = what;
}

void issues_print(const struct issues *list, char out[ISSUES_TEXT])
{
    size_t at = 0;

    out[0] = '\0';
    for (size_t i = 0; i < list->n; i++) {
        size_t n = strlen(list->at[i]);

        if (at + n + 2 > ISSUES_TEXT) /* cannot happen: an issue's text has at most 72 bytes */
            return;
        if (at > 0)
            out[at++] = ' ';
        memcpy(out + at, list->at[i], n + 1);
        at += n;
    }
}

enum ward_code issues_read(const char *text, struct ward_arena *mem, struct issues *out,
                           struct ward_err *err)
{
    char *copy = ward_strdup(mem, text);

    *out = (struct issues){0};
    if (copy == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for the issues");
    while (*copy != '\0' && out->n < ISSUES_MOST) {
        size_t n = strcspn(copy, " ");
        bool last = copy[n] == '\0';

        copy[n] = '\0';
        out->at[out->n++] = copy;
        copy += last ? n : n + 1;
    }
    return WARD_OK;
}

void issues_of_order(struct issues *list, const Order *order, int64_t given_us)
{
    static const char *const NAMES[ORDER_STATES] = {
        [ORDER_DRAFT] = "order-draft",       [ORDER_ON_HOLD] = "order-on-hold",
        [ORDER_STOPPED] = "order-stopped",   [ORDER_COMPLETED] = "order-stopped",
        [ORDER_CANCELLED] = "order-stopped", [ORDER_WRONG] = "order-entered-in-error"};
    const Ward__Dosage__V1__Prescription *p = order->prescription;
    unsigned state = (unsigned)order->state;
    const char *name = state < ORDER_STATES ? NAMES[state] : NULL;

    /* A later state does not change the order's state at the time of the dose, except that a
     * draft or an order entered in error was never valid. */
    if (name != NULL &&
        (order->written_at_us <= given_us || state == ORDER_DRAFT || state == ORDER_WRONG))
        issue_add(list, name);
    if (given_us < p->starts_at_us)
        issue_add(list, "order-not-started");
    if (p->ends_at_us != 0 && given_us >= p->ends_at_us)
        issue_add(list, "order-ended");
}

void issues_of_pack(struct issues *list, const struct pack *pack, const OfflineDose *d)
{
    if (d->given_at_us >= pack->expires_at_us)
        issue_add(list, "after-expiry");
    if (d->given_at_us < pack->made_at_us)
        issue_add(list, "before-pack");
    if (*d->order_id == '\0' ? !pack_has_patient(pack, d->patient_id)
                             : !pack_has_order(pack, d->patient_id, d->order_id))
        issue_add(list, "not-of-this-pack");
}

/* ---- entries that cannot be recorded ---- */

static bool is_text(const char *s, size_t most)
{
    size_t n = 0;

    while (n <= most && s[n] > ' ' && s[n] <= '~')
        n++;
    return n <= most && s[n] == '\0';
}

static bool was_given(const OfflineDose *d)
{
    return d->outcome == OUTCOME(GIVEN) || d->outcome == OUTCOME(PARTIAL);
}

static bool dose_reads(const OfflineDose *d)
{
    struct amount amount;
    struct ward_err why = {0};

    if (d->dose == NULL)
        return !was_given(d);
    return amount_of(d->dose, &amount, &why) == WARD_OK;
}

static bool is_route(int route)
{
    return protobuf_c_enum_descriptor_get_value(&ward__dosage__v1__route__descriptor, route) !=
           NULL;
}

const char *entry_rejected(const OfflineDose *d, int64_t now_us)
{
    uint8_t id[DOSAGE_ID];

    if (!ward_uuid_parse(d->patient_id, id))
        return "no-patient";
    if (*d->order_id != '\0' && !ward_uuid_parse(d->order_id, id))
        return "order-unknown";
    if (d->outcome < OUTCOME(GIVEN) || d->outcome > OUTCOME(WASTED))
        return "outcome";
    if (d->given_at_us <= 0)
        return "no-time";
    if (d->given_at_us > now_us)
        return "in-future";
    if (!is_route((int)d->route))
        return "route";
    if (!dose_reads(d))
        return "dose-unreadable";
    if (!is_text(d->given_by, TEXT_MOST) || !is_text(d->second_person, TEXT_MOST) ||
        !is_text(d->reason_code, 64) || !is_text(d->drug_id, 64) ||
        !is_text(d->product_id, 64) || strlen(d->scan) > SCAN_MOST)
        return "text";
    return NULL;
}
