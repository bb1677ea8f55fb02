/* Conversion between wire and domain types, shared by the handlers. */
#include "services/records/api.h"

char *api_text(const char *s)
{
    return (char *)(uintptr_t)s;
}

enum ward_code api_begin(struct ward_call *c, struct ward_event *a, enum use use,
                         enum kind kind, const char *patient, struct view *out)
{
    struct worker *w = c->wrk;

    ward_event_begin(a, c, &w->event_ctx, patient);
    ward_db_deadline(w->event_ctx.db, c->deadline_ns);
    WARD_TRY(view_of(c, use, out, c->err));
    return view_allows(out, c, use, kind, c->err);
}
