/* decide.h - may this person go through this door, now? The rules, without I/O.
 *
 * A rule lets a role into a zone within hours of the week. Coming in and going out are the same
 * question about another zone: going out through a door leads back into the zone it comes from.
 * Two things differ on the way out: hours are not asked, so that nobody is kept in by the
 * clock, and outside (no zone) lets everyone in.
 *
 * Threads: pure. Memory: the caller's. Errors: none; a reason is an answer.
 */
#ifndef IDENTITY_ACCESS_DECIDE_H
#define IDENTITY_ACCESS_DECIDE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* X(name): the .proto's reasons, first the one that allows. */
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
    int start, end;    /* minutes since midnight; end at or before start: on the next day */
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

/* The minute of the week lies in it; the end's own minute does not. */
bool hours_open(const struct hours *h, int weekday, int minute);

/* Where someone was last seen, of one zone. */
struct seen {
    bool known, inside;
    int64_t since_us;
};
struct passage {
    const struct zone *into, *from; /* NULL: outside */
    struct seen into_seen, from_seen;
    int64_t again_us; /* what they were allowed last was this: it stands so long, 0 else */
    bool out;
    const char *const *roles; /* the person's */
    size_t n_roles;
    int weekday, minute; /* local */
    int64_t now_us;
};
/* ALLOWED, NO_ROLE, OUT_OF_HOURS or PASSBACK, of someone who was recognised. */
enum door_reason door_decide(const struct passage *p);

/* A token of this method shows as much as a zone's liveness policy asks of a face: what a
 * member of staff saw (attended; the wristband, which they scanned) is enough everywhere but
 * where a challenge is asked for. */
bool method_is_live(int policy, const char *method);

#endif
