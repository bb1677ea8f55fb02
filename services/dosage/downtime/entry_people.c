/* People of an entry: the giver on paper is compared with the staff known to the service. The
 * claimed outage is compared with the times when the service answered the ward. */
#include "services/dosage/downtime/reconcile.h"
#include "services/dosage/track/presence.h"

static enum ward_code giver(struct entry *e, bool *known, struct ward_err *err)
{
    bool gives = false, witnesses;

    if (*e->in->given_by == '\0') {
        issue_add(&e->issues, "no-giver");
        *known = false;
        return WARD_OK;
    }
    WARD_TRY(
        presence_knows(e->call->wrk, e->call->mem, e->in->given_by, &gives, &witnesses, err));
    if (!gives)
        issue_add(&e->issues, "giver-unknown");
    *known = gives;
    return WARD_OK;
}

/* *known: no second person is named, or the named person is known. */
static enum ward_code second(struct entry *e, bool *known, struct ward_err *err)
{
    bool gives, witnesses = true;

    if (*e->in->second_person == '\0') {
        if (e->high_alert)
            issue_add(&e->issues, "no-second-person");
    } else {
        WARD_TRY(presence_knows(e->call->wrk, e->call->mem, e->in->second_person, &gives,
                                &witnesses, err));
        if (!witnesses)
            issue_add(&e->issues, "second-person-unknown");
        if (rule_same_person(e->in->given_by, e->in->second_person))
            issue_add(&e->issues, "second-person-same");
    }
    *known = witnesses;
    return WARD_OK;
}

enum ward_code entry_people(struct entry *e, struct ward_err *err)
{
    bool giver_known, second_known;

    WARD_TRY(giver(e, &giver_known, err));
    WARD_TRY(second(e, &second_known, err));
    WARD_TRY(presence_answered(e->call->wrk, e->call->mem, e->pack->ward, e->in->given_at_us,
                               &e->while_up, err));
    if (e->while_up)
        issue_add(&e->issues, "service-was-up");
    if (!e->high_alert || *e->confirmed_by != '\0')
        return WARD_OK;
    if (!giver_known || !second_known)
        e->rejected = "person-unknown";
    issue_add(&e->issues, "not-confirmed");
    return WARD_OK;
}
