/* FindDrugs: finds drugs by a part of a name, a code, or a scanned barcode. */
#include "services/dosage/api.h"
#include "services/dosage/formulary/ruleset_own.h"
#include "services/dosage/give/give.h"
#include "services/dosage/store/page.h"

#include "common/unicode/unicode.h"

#include <stdio.h>
#include <string.h>

typedef Ward__Dosage__V1__FindDrugsRequest Request;
typedef Ward__Dosage__V1__FindDrugsResponse Response;

#define PAGE       20
#define PAGE_MOST  100
#define QUERY_MOST 512

struct finding {
    const struct ruleset *rules;
    const char *query, *folded;
    const Drug *scanned; /* the drug of a scanned barcode; NULL: the query is not a barcode */
};

static bool is_code(Coding *const *codes, size_t n, const char *query)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(codes[i]->code, query) == 0)
            return true;
    return false;
}

static bool matches(const struct finding *f, const struct named *drug)
{
    const Drug *d = drug->item;

    if (*f->query == '\0' || d == f->scanned || is_code(d->codes, d->n_codes, f->query))
        return true;
    for (size_t i = 0; i < d->n_ingredients; i++) {
        const Ingredient *in = ruleset_ingredient(f->rules, d->ingredients[i]);

        if (in != NULL && is_code(in->codes, in->n_codes, f->query))
            return true;
    }
    return *f->folded != '\0' &&
           strstr(f->rules->searched[drug - f->rules->drugs.at], f->folded) != NULL;
}

/* A query that is not a barcode is searched as a name or a code. */
static enum ward_code scanned(struct ward_call *c, struct finding *f)
{
    struct scan_found found = {0};

    if (scan_find(f->rules, f->query, c->mem, &found, NULL) == WARD_OK)
        f->scanned = found.drug;
    return WARD_OK;
}

static enum ward_code collect(struct ward_call *c, const struct finding *f, const char *after,
                              int page, Response *resp)
{
    const struct names *all = &f->rules->drugs;
    char last[PAGE_PLACE] = {0};

    resp->drugs = ward_alloc(c->mem, (size_t)page * sizeof(Drug *));
    if (resp->drugs == NULL)
        return WARD_FAIL(c->err, RESOURCE_EXHAUSTED, "no memory for the drugs");
    for (size_t i = 0; i < all->n; i++) {
        if (strncmp(all->at[i].key, after, PAGE_PLACE) <= 0 || !matches(f, &all->at[i]))
            continue;
        if (resp->n_drugs == (size_t)page)
            return page_token(c, f->query, last, sizeof(last), &resp->next_page_token);
        resp->drugs[resp->n_drugs++] = (Drug *)(uintptr_t)all->at[i].item;
        memset(last, 0, sizeof(last));
        memcpy(last, all->at[i].key, strnlen(all->at[i].key, sizeof(last)));
    }
    return WARD_OK;
}

static enum ward_code find(struct ward_call *c, const Request *req, Response *resp)
{
    struct finding f = {.query = req->query};
    struct worker *w = c->wrk;
    char after[PAGE_PLACE] = {0}, *folded;
    bool given;
    int page;

    ward_db_deadline(w->event_ctx.db, c->deadline_ns);
    if (strlen(req->query) > QUERY_MOST)
        return WARD_FAIL_FIELD(c->err, "query", "must be at most %d bytes", QUERY_MOST);
    WARD_TRY(ward_call_page(c, req->page_size, PAGE, PAGE_MOST, &page));
    WARD_TRY(page_place(c, req->query, req->page_token, after, sizeof(after), &given));
    WARD_TRY(ruleset_active(w, c->mem, &f.rules, c->err));
    WARD_TRY(ward_fold(c->mem, req->query, &folded, c->err));
    f.folded = folded;
    WARD_TRY(scanned(c, &f));
    resp->rule_set_version = ruleset_version(f.rules);
    return collect(c, &f, after, page, resp);
}

enum ward_code find_drugs_rpc(struct ward_call *c, const ProtobufCMessage *q,
                              ProtobufCMessage *r)
{
    return find(c, (const Request *)q, (Response *)r);
}
