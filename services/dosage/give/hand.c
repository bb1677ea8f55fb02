/* The product in hand: from barcodes or an id, compared with the order's drug and route. */
#include "services/dosage/give/bedside.h"

#include <string.h>

#define MORE_MOST   20
#define COUNT_MOST  1000
#define COUNT_BYTES 8

enum ward_code hand_read(struct ward_arena *mem, const struct ruleset *rules, const char *scan,
                         const char *product_id, const char *not_scanned, struct hand *out,
                         struct ward_err *err)
{
    struct scan_found found = {0};

    *out = (struct hand){.not_scanned = not_scanned, .named = product_id};
    if (*product_id != '\0') {
        out->product = ruleset_product(rules, product_id, &out->drug);
        if (out->product == NULL)
            return WARD_FAIL_FIELD(err, "product_id",
                                   "is not a product of the active rule set");
    }
    if (*scan == '\0')
        return WARD_OK;
    WARD_TRY(scan_find(rules, scan, mem, &found, err));
    out->scanned = found.scanned;
    out->by_scan = found.product != NULL;
    if (out->by_scan || *product_id == '\0' || *not_scanned == '\0') {
        out->product = found.product;
        out->drug = found.drug;
    }
    if (out->product != NULL)
        out->scanned->product_id = out->product->id;
    return WARD_OK;
}

/* ---- the amount ---- */

/* Whether a text is a number of halves: "1", "2", "0.5". */
static bool is_count(const char *s)
{
    const struct ward_decimal most = ward_decimal_of(COUNT_MOST, 0),
                              two = ward_decimal_of(2, 0);
    struct ward_decimal n, whole;

    return strnlen(s, COUNT_BYTES + 1) <= COUNT_BYTES && strpbrk(s, "eE-") == NULL &&
           ward_decimal_parse(s, strlen(s), &n, NULL) == WARD_OK && !ward_decimal_is_zero(&n) &&
           ward_decimal_cmp(&n, &most) <= 0 &&
           ward_decimal_mul(&n, &two, &n, NULL) == WARD_OK &&
           ward_decimal_round(&n, 0, WARD_ROUND_DOWN, &whole, NULL, NULL) == WARD_OK &&
           ward_decimal_cmp(&n, &whole) == 0;
}

static enum ward_code how_much(Scanned *s, char *units, Quantity *volume, const char *field,
                               struct ward_err *err)
{
    struct amount a;

    if (*units != '\0' && !is_count(units))
        return WARD_FAIL_FIELD(err, field, "must be a count above 0, at most %d, in halves",
                               COUNT_MOST);
    if (*units != '\0' && volume != NULL)
        return WARD_FAIL_FIELD(err, field, "and volume must not be set together");
    if (volume != NULL)
        WARD_TRY(ward_err_about(err, amount_of(volume, &a, err), "volume"));
    s->units = units;
    s->volume = volume;
    return WARD_OK;
}

static enum ward_code more_of(struct ward_arena *mem, const struct ruleset *rules,
                              const AdministerRequest *q, struct hand *h, struct ward_err *err)
{
    h->more = ward_alloc(mem, q->n_more * sizeof(*h->more));
    if (h->more == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for barcodes");
    for (; h->n_more < q->n_more; h->n_more++) {
        const Ward__Dosage__V1__ScannedUnit *u = q->more[h->n_more];
        struct scan_found *to = &h->more[h->n_more];

        WARD_TRY(scan_find(rules, u->scan, mem, to, err));
        WARD_TRY(how_much(to->scanned, u->units, u->volume, "more.units", err));
    }
    return WARD_OK;
}

enum ward_code hand_count(struct ward_arena *mem, const struct ruleset *rules,
                          const AdministerRequest *q, struct hand *h, struct ward_err *err)
{
    if (h->scanned == NULL && (*q->units != '\0' || q->volume != NULL || q->n_more > 0))
        return WARD_FAIL_FIELD(err,
                               *q->units != '\0'   ? "units"
                               : q->volume != NULL ? "volume"
                                                   : "more",
                               "requires scan");
    if (q->n_more > MORE_MOST)
        return WARD_FAIL_FIELD(err, "more", "must be at most %d", MORE_MOST);
    if (h->scanned == NULL)
        return WARD_OK;
    WARD_TRY(how_much(h->scanned, q->units, q->volume, "units", err));
    return q->n_more == 0 ? WARD_OK : more_of(mem, rules, q, h, err);
}

/* ---- the drug ---- */

static const char *what_of(const Scanned *s)
{
    return *s->gtin != '\0' ? "gtin" : s->kind;
}

/* The content of a barcode, as text for the chart. */
static const char *says_of(struct rights *r, const Scanned *s)
{
    return ward_printf(r->mem, "%s %s%s%s%s%s%s%s", what_of(s),
                       *s->gtin != '\0' ? s->gtin : s->code, *s->lot == '\0' ? "" : " lot ",
                       s->lot, *s->expires_on == '\0' ? "" : " expires ", s->expires_on,
                       *s->warning == '\0' ? "" : "; the lot may hold the expiry ",
                       s->may_expire_on);
}

static const char *in_hand(struct rights *r, const struct hand *h)
{
    const char *says;

    if (h->scanned == NULL)
        return h->product == NULL
                   ? "not scanned"
                   : ward_printf(r->mem, "product %s, not scanned", h->product->id);
    says = says_of(r, h->scanned);
    for (size_t i = 0; says != NULL && i < h->n_more; i++)
        says = ward_printf(r->mem, "%s; %s", says, says_of(r, h->more[i].scanned));
    return says;
}

/* The error of a scanned or named product; NULL: the product is correct. */
static const char *wrong_with(const struct scan_found *f, const char *drug_id,
                              const char *product_id, const char *today)
{
    if (f->product != NULL &&
        (strcmp(f->drug->id, drug_id) != 0 ||
         (*product_id != '\0' && strcmp(f->product->id, product_id) != 0)))
        return "another-product";
    if (f->scanned != NULL && *f->scanned->expires_on != '\0' &&
        strcmp(f->scanned->expires_on, today) < 0)
        return "expired";
    return NULL;
}

static const char *first_wrong(const struct hand *h, const char *drug_id,
                               const char *product_id, const char *today)
{
    const struct scan_found one = {h->scanned, h->product, h->drug};
    const char *why = wrong_with(&one, drug_id, product_id, today);

    if (why == NULL && h->product != NULL && *h->named != '\0' &&
        strcmp(h->product->id, h->named) != 0)
        why = "another-product";
    for (size_t i = 0; why == NULL && i < h->n_more; i++)
        why = h->more[i].product == NULL ? "unknown-product"
                                         : wrong_with(&h->more[i], drug_id, product_id, today);
    return why;
}

/* Whether a product has a lot that may contain an expiry. *past: the possible expiry has
 * passed. */
static bool is_doubtful(const struct hand *h, const char *today, bool *past)
{
    bool doubtful = false;

    *past = false;
    for (size_t i = 0; h->scanned != NULL && i <= h->n_more; i++) {
        const Scanned *s = i == 0 ? h->scanned : h->more[i - 1].scanned;

        if (*s->warning == '\0')
            continue;
        doubtful = true;
        *past = *past || strcmp(s->may_expire_on, today) < 0;
    }
    return doubtful;
}

void hand_right(struct rights *r, const struct hand *h, const char *drug_id,
                const char *product_id, const char *today)
{
    const char *says = in_hand(r, h), *wrong = first_wrong(h, drug_id, product_id, today);
    bool past, doubtful = is_doubtful(h, today, &past);

    if (wrong != NULL)
        rights_say(r, RIGHT(DRUG), RESULT(FAIL), wrong, says);
    else if (!h->by_scan && *h->not_scanned != '\0')
        rights_say(r, RIGHT(DRUG), RESULT(NOT_CHECKED), h->not_scanned, says);
    else if (h->product == NULL)
        rights_say(r, RIGHT(DRUG), RESULT(FAIL), "unknown-product", says);
    else
        rights_say(r, RIGHT(DRUG), past ? RESULT(NOT_CHECKED) : RESULT(PASS),
                   doubtful ? SCAN_EXPIRY_IN_LOT : "", says);
}

/* ---- the route ---- */

static bool has_route(const Product *p, int route)
{
    for (size_t i = 0; i < p->n_routes; i++)
        if ((int)p->routes[i] == route)
            return true;
    return false;
}

bool hand_for_route(const struct hand *h, int route)
{
    return h->product == NULL || has_route(h->product, route);
}

/* If an order names the product, the check included the product's route, so the prescriber has
 * decided on the route. */
static const Product *not_for(const struct hand *h, const Prescription *p, int route)
{
    if (h->product != NULL && strcmp(h->product->id, p->product_id) != 0 &&
        !has_route(h->product, route))
        return h->product;
    for (size_t i = 0; i < h->n_more; i++)
        if (h->more[i].product != NULL && strcmp(h->more[i].product->id, p->product_id) != 0 &&
            !has_route(h->more[i].product, route))
            return h->more[i].product;
    return NULL;
}

static const char *routes_of(struct ward_arena *mem, const Product *p)
{
    const char *all = "";

    for (size_t i = 0; all != NULL && i < p->n_routes; i++)
        all = ward_printf(mem, "%s%s%s", all, i == 0 ? "" : " ", route_name((int)p->routes[i]));
    return all;
}

void hand_route(struct rights *r, const struct hand *h, const Prescription *p, int given)
{
    int ordered = (int)p->route;
    const Product *not = not_for(h, p, given);
    const char *says = ward_printf(r->mem, "%s of %s", route_name(given), route_name(ordered));

    if (given == ordered && not != NULL && says != NULL)
        says = ward_printf(r->mem, "%s; %s is for %s", says, not ->id, routes_of(r->mem, not ));
    rights_say(r, RIGHT(ROUTE), given == ordered && not == NULL ? RESULT(PASS) : RESULT(FAIL),
               given != ordered ? "another-route"
               : not != NULL    ? "product-route"
                                : "",
               says);
}
