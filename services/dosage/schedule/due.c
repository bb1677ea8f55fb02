#include "services/dosage/schedule/due_own.h"

#define KEEP_MEM ((size_t)64 << 10)

enum ward_code due_open(struct dosage *dos, struct due_watch **out, struct ward_err *err)
{
    struct ward_arena keep;
    struct due_watch *d;

    ward_arena_init(&keep, KEEP_MEM);
    d = ward_new(&keep, struct due_watch);
    if (d == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for who follows due doses");
    d->keep = keep;
    d->dos = dos;
    *out = d;
    return zones_open(&d->zones, dos->cfg.time_zone, err);
}

void due_close(struct due_watch *d)
{
    struct ward_arena keep;

    if (d == NULL)
        return;
    zones_close(&d->zones);
    keep = d->keep;
    ward_arena_done(&keep);
}
