/* Wire to domain and back: what the handlers share, and the table of methods. */
#include "services/identity/api.h"

char *api_text(const char *s)
{
    return (char *)(uintptr_t)s;
}

enum ward_code api_copy(struct ward_call *c, const char *s, char **out)
{
    char *copy = ward_strdup(c->mem, s);

    if (copy == NULL)
        return WARD_FAIL(c->err, RESOURCE_EXHAUSTED, "no memory for the answer");
    *out = copy;
    return WARD_OK;
}

enum ward_code api_subject_id(struct ward_call *c, const char *given, uint8_t id[IDENTITY_ID],
                              char text[37])
{
    if (!ward_uuid_parse(given, id))
        return WARD_FAIL_FIELD(c->err, "subject_id", "is not a UUID");
    ward_uuid_text(id, text);
    return WARD_OK;
}

static bool caller_gone(const void *call)
{
    return ward_call_cancelled(call);
}

struct ward_stop api_stop(const struct ward_call *c)
{
    return (struct ward_stop){.deadline_ns = c->deadline_ns, .gone = caller_gone, .arg = c};
}

enum ward_code api_quality(struct ward_call *c, const struct photo *p,
                           Ward__Identity__V1__Quality **out)
{
    Ward__Identity__V1__Quality *q = ward_new(c->mem, Ward__Identity__V1__Quality);

    if (q == NULL)
        return WARD_FAIL(c->err, RESOURCE_EXHAUSTED, "no memory for the answer");
    ward__identity__v1__quality__init(q);
    q->faces = p->faces;
    q->detection_score = p->detection_score;
    q->eye_distance_px = p->eye_distance_px;
    q->width_px = p->width_px;
    q->height_px = p->height_px;
    *out = q;
    return WARD_OK;
}

#define ROW(method, fn, name)                                                                  \
    {                                                                                          \
        "/ward.identity.v1.Identity/" method, fn,                                              \
            &ward__identity__v1__##name##_request__descriptor,                                 \
            &ward__identity__v1__##name##_response__descriptor                                 \
    }

const struct ward_method *identity_methods(void)
{
    static const struct ward_method table[] = {
        ROW("Enrol", enrol_rpc, enrol),
        ROW("Verify", verify_rpc, verify),
        ROW("GetSubject", get_subject_rpc, get_subject),
        ROW("WithdrawConsent", withdraw_consent_rpc, withdraw_consent),
        ROW("EraseSubject", erase_subject_rpc, erase_subject),
        ROW("GetTokenKeys", get_token_keys_rpc, get_token_keys),
        {0},
    };

    return table;
}
