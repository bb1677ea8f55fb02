/* What the handlers share, and the table of methods. */
#include "services/diagnosis/api.h"

#include "ward/diagnosis/v1/diagnosis.pb-c.h"

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
                                "a patient's films and values are read for TREAT or ETREAT");
    return WARD_OK;
}

#define ROW(method, name, answer)                                                              \
    {                                                                                          \
        "/ward.diagnosis.v1.Diagnosis/" method, name##_rpc,                                    \
            &ward__diagnosis__v1__##name##_request__descriptor,                                \
            &ward__diagnosis__v1__##answer##_response__descriptor                              \
    }

static const struct ward_method methods[] = {
    ROW("Infer", infer, infer),
    ROW("Confirm", confirm, confirm),
    ROW("Amend", amend, amend),
    ROW("Reject", reject, reject),
    ROW("ListModels", list_models, list_models),
    {.path = NULL},
};

const struct ward_method *diagnosis_methods(void)
{
    return methods;
}
