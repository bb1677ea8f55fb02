/* Conversion between wire and domain types, shared by the handlers. */
#include "services/dosage/api.h"

#include "services/dosage/track/presence.h"

char *api_text(const char *s)
{
    return (char *)(uintptr_t)s;
}

enum ward_code api_begin(struct ward_call *c, struct ward_event *a, const char *patient)
{
    struct worker *w = c->wrk;

    ward_event_begin(a, c, &w->event_ctx, patient);
    ward_db_deadline(w->event_ctx.db, c->deadline_ns);
    if (!rule_purpose(c->who->purpose))
        return WARD_FAIL_REASON(c->err, PERMISSION_DENIED, "PURPOSE_NOT_ALLOWED",
                                "dosage requires the purpose TREAT, ETREAT or CAREMGT");
    presence_note(c, c->who);
    return WARD_OK;
}
