#include "services/dosage/track/paging.h"

#include <string.h>

typedef Ward__Dosage__V1__Administration Dose;

static bool was_seen(const struct paging *p, const Dose *a)
{
    for (size_t i = 0; a->given_at_us == p->at_us && i < p->n; i++)
        if (strcmp(p->seen[i], a->administration_id) == 0)
            return true;
    return false;
}

static enum ward_code see(struct paging *p, const Dose *a, struct ward_err *err)
{
    if (a->given_at_us != p->at_us)
        p->n = 0;
    p->at_us = a->given_at_us;
    if (p->n == PAGING_AT_ONCE || strlen(a->administration_id) != 36)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "too many doses at one moment");
    memcpy(p->seen[p->n++], a->administration_id, 37);
    return WARD_OK;
}

static enum ward_code page(struct paging *p, bool *more, struct ward_err *err)
{
    Dose **doses;
    size_t n;

    WARD_TRY(p->read(p->arg, p->at_us, &doses, &n, err));
    for (size_t i = 0; i < n; i++) {
        if (was_seen(p, doses[i]))
            continue;
        WARD_TRY(see(p, doses[i], err));
        WARD_TRY(p->take(p->arg, doses[i], err));
    }
    *more = n == PAGING_PAGE;
    return WARD_OK;
}

enum ward_code paging_run(struct paging *p, struct ward_err *err)
{
    bool more = true;

    while (more)
        WARD_TRY(page(p, &more, err));
    return WARD_OK;
}
