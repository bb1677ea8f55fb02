#include "services/identity/access/decide.h"

#include "services/identity/token/token.h"

#include <string.h>

#define MINUTE_US INT64_C(60000000)

const char *door_reason_name(enum door_reason r)
{
    static const char *const NAMES[] = {
#define X(name) #name,
        DOOR_REASONS(X)
#undef X
    };

    return NAMES[r];
}

static bool on(const struct hours *h, int weekday)
{
    return (h->weekdays >> (weekday - 1) & 1) != 0;
}

bool hours_open(const struct hours *h, int weekday, int minute)
{
    int yesterday = weekday == 1 ? 7 : weekday - 1;

    if (h->start < h->end)
        return on(h, weekday) && minute >= h->start && minute < h->end;
    return (on(h, weekday) && minute >= h->start) || (on(h, yesterday) && minute < h->end);
}

static bool rule_is_open(const struct zone_rule *r, int weekday, int minute)
{
    for (size_t i = 0; i < r->n_hours; i++)
        if (hours_open(&r->hours[i], weekday, minute))
            return true;
    return r->n_hours == 0;
}

static bool has(const struct passage *p, const char *role)
{
    for (size_t i = 0; i < p->n_roles; i++)
        if (strcmp(p->roles[i], role) == 0)
            return true;
    return false;
}

static enum door_reason by_rules(const struct passage *p)
{
    enum door_reason why = DOOR_NO_ROLE;

    if (p->into == NULL)
        return DOOR_ALLOWED;
    for (size_t i = 0; i < p->into->n_rules; i++) {
        const struct zone_rule *r = &p->into->rules[i];

        if (!has(p, r->role))
            continue;
        if (p->out || rule_is_open(r, p->weekday, p->minute))
            return DOOR_ALLOWED;
        why = DOOR_OUT_OF_HOURS;
    }
    return why;
}

/* If the clock was set back, a sighting seems to be in the future. Such a sighting counts as
 * recent. */
static bool stands(const struct zone *z, const struct seen *s, int64_t now_us)
{
    return z != NULL && z->anti_passback && s->known &&
           now_us - s->since_us < z->passback_minutes * MINUTE_US;
}

/* Whether this is a repeated request for the same passage: the answer was lost, or the door
 * stayed shut. The time counts from the first ALLOW. A clock that was set back does not extend
 * the time. */
static bool once_more(const struct passage *p, const struct seen *s)
{
    int64_t ago_us = p->now_us - s->since_us;

    return ago_us > -p->again_us && ago_us < p->again_us;
}

enum door_reason door_decide(const struct passage *p)
{
    enum door_reason why = by_rules(p);

    if (why != DOOR_ALLOWED)
        return why;
    if (stands(p->into, &p->into_seen, p->now_us) && p->into_seen.inside &&
        !once_more(p, &p->into_seen))
        return DOOR_PASSBACK;
    if (stands(p->from, &p->from_seen, p->now_us) && !p->from_seen.inside &&
        !once_more(p, &p->from_seen))
        return DOOR_PASSBACK;
    return DOOR_ALLOWED;
}

bool method_is_live(int policy, const char *method)
{
    bool active = strcmp(method, "face+active") == 0;
    bool seen = strcmp(method, "face+attended") == 0 || strncmp(method, "wristband", 9) == 0;

    switch (policy) {
    case LIVENESS_NONE:
        return true;
    case LIVENESS_PASSIVE:
        return seen || active || strcmp(method, "face+passive") == 0;
    case LIVENESS_ATTENDED:
        return seen;
    default:
        return active;
    }
}
