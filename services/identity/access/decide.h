/* decide.h - decides whether a person may pass a door now. The rules, without I/O.
 *
 * A rule admits a role to a zone within hours of the week. Entering and leaving are the same
 * question about different zones: leaving through a door enters the zone on its other side.
 * There are two differences for leaving: hours are not checked, so that nobody is locked in by
 * the clock, and the outside (no zone) admits everyone.
 *
 * Threads: pure. Memory: the caller's. Errors: none; a reason is an answer.
 */
#ifndef IDENTITY_ACCESS_DECIDE_H
#define IDENTITY_ACCESS_DECIDE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* X(name): the .proto's reasons, beginning with ALLOWED. */
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
};
const char *door_reason_name(enum door_reason r);

#define MINUTES_A_DAY    1440
#define PASSBACK_DEFAULT 720   /* minutes */
#define PASSBACK_MOST    10080 /* a week */

struct hours {
    unsigned weekdays; /* bits: 1 Monday .. 64 Sunday */
    int start, end;    /* minutes since midnight; an end at or before the start is on the next
                        * day */
};
struct zone_rule {
    const char *role;
    const struct hours *hours; /* none: at all times */
    size_t n_hours;
};
struct zone {
    const char *zone;
    bool anti_passback;
    int passback_minutes;
    int liveness; /* enum liveness_policy */
    struct zone_rule *rules;
    size_t n_rules;
};

/* Whether the span contains the minute of the week; the end's own minute is excluded. */
bool hours_open(const struct hours *h, int weekday, int minute);

/* Where a person was last seen, for one zone. */
struct seen {
    bool known, inside;
    int64_t since_us;
};
struct passage {
    const struct zone *into, *from; /* NULL: outside */
    struct seen into_seen, from_seen;
    int64_t again_us; /* set if their last ALLOW was for this passage; otherwise 0 */
    bool out;
    const char *const *roles; /* the person's */
    size_t n_roles;
    int weekday, minute; /* local */
    int64_t now_us;
};
/* ALLOWED, NO_ROLE, OUT_OF_HOURS or PASSBACK, for an identified person. */
enum door_reason door_decide(const struct passage *p);

/* Whether a token of this method satisfies a zone's liveness policy: observation by staff
 * (attended; or the wristband, which staff scanned) is sufficient, unless a challenge is
 * required. */
bool method_is_live(int policy, const char *method);

#endif
