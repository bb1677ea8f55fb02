/* decide.h - decides whether a person may pass a door now. No I/O.
 *
 * A rule admits a role to a zone within hours of the week. Leaving through a door is decided
 * like entering the zone on the door's other side, with two differences. Hours are not checked,
 * so that the clock locks nobody in. The outside, which is no zone, admits everyone.
 *
 * Threads: pure functions. Memory: the caller's. Errors: none; a denial is a result with a
 * reason. */
#ifndef IDENTITY_ACCESS_DECIDE_H
#define IDENTITY_ACCESS_DECIDE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* X(name) for each reason in the .proto, beginning with ALLOWED. */
#define DOOR_REASONS(X)                                                                        \
    X(ALLOWED)                                                                                 \
    X(NOT_RECOGNISED)                                                                          \
    X(UNUSABLE)                                                                                \
    X(LIVENESS)                                                                                \
    X(NO_ROLE)                                                                                 \
    X(OUT_OF_HOURS)                                                                            \
    X(PASSBACK)
enum door_reason {
#define X(name) DOOR_##name,
    DOOR_REASONS(X)
#undef X
        DOOR_REASON_COUNT
};
const char *door_reason_name(enum door_reason r);

#define MINUTES_A_DAY    1440
#define PASSBACK_DEFAULT 720   /* default, in minutes */
#define PASSBACK_MOST    10080 /* maximum in minutes: a week */

struct hours {
    unsigned weekdays; /* one bit for each day: 1 is Monday, 64 is Sunday */
    int start, end;    /* minutes since midnight; an end at or before the start is on the next
                        * day */
};
struct zone_rule {
    const char *role;
    const struct hours *hours; /* NULL: the rule applies at all times */
    size_t n_hours;
};
struct zone {
    const char *zone;
    bool anti_passback;
    int passback_minutes;
    int liveness; /* a value of enum liveness_policy */
    struct zone_rule *rules;
    size_t n_rules;
};

/* Whether the span contains this minute of the week. The minute at which the span ends is
 * excluded. */
bool hours_open(const struct hours *h, int weekday, int minute);

/* The person's last sighting with regard to one zone. */
struct seen {
    bool known, inside;
    int64_t since_us;
};
struct passage {
    const struct zone *into, *from; /* NULL: outside */
    struct seen into_seen, from_seen;
    /* AGAIN_US if the person's last ALLOW was for this passage; otherwise 0 */
    int64_t again_us;
    bool out;
    const char *const *roles; /* roles of the person */
    size_t n_roles;
    int weekday, minute; /* local */
    int64_t now_us;
};
/* Decides about an identified person: ALLOWED, NO_ROLE, OUT_OF_HOURS or PASSBACK. */
enum door_reason door_decide(const struct passage *p);

/* Whether a token of this method satisfies a zone's liveness policy. A method that staff
 * observed is sufficient unless a challenge is required: "attended", or a wristband that staff
 * scanned. */
bool method_is_live(int policy, const char *method);

#endif
