/* select.h - which device runs a model: the best that is there and answers rightly.
 *
 * An order ("npu,gpu,cpu": names of back ends) and a fall-back policy. The first back end of
 * the order is the wished one; if its library is missing, it has no ready device, or the
 * known-answer check fails on it, the next is tried under `degraded`, and nothing under `deny`.
 * A choice that is not the wished one is degraded, and every answer made on it says so. Whoever
 * uses it chooses again when the device's canary fails, and when a better one may be back
 * (ward_choose_due).
 *
 * Threads: a chooser is shared; ward_choose waits for one that runs, the others wait for
 * nobody. Memory: open/close. Errors: UNAVAILABLE reason DEVICE_NOT_READY (with what was tried,
 * in detail); INVALID_ARGUMENT an order that names nothing or something twice. Metric:
 * ward_host_device_ready{backend}.
 */
#ifndef WARD_HOST_SELECT_H
#define WARD_HOST_SELECT_H

#include "common/host/host.h"

#define WARD_ORDER_MAX 4

enum ward_fallback { WARD_FALLBACK_DENY, WARD_FALLBACK_DEGRADED };

/* "npu,gpu,cpu" and "deny"/"degraded". Pure: names are not looked for. */
struct ward_order {
    int n;
    char name[WARD_ORDER_MAX][33];
    enum ward_fallback fallback;
};
WARD_MUST enum ward_code ward_order_parse(const char *order, const char *fallback,
                                          struct ward_order *out, struct ward_err *err);

/* What was found of one back end of the order when it was last tried: for status calls. What
 * stands behind the one that was chosen is not tried, and says so. */
struct ward_candidate {
    char backend[33];
    struct ward_device device; /* the one that would be used; kind 0: none */
    bool ready;
    char why[160];    /* "" when ready; may cross the wire */
    char detail[192]; /* the plugin's own words, "" for none; for operators and logs */
};

struct ward_choice {
    struct ward_backend *backend; /* the chooser's */
    struct ward_device device;
    bool degraded;
    int rank; /* in the order */
};

/* Tries one device: load what is needed on it, ask the known answers, and release it again. OK:
 * it may be used. */
typedef enum ward_code ward_try_device(void *arg, struct ward_backend *b,
                                       const struct ward_device *d, struct ward_err *err);

struct ward_chooser;
WARD_MUST enum ward_code ward_chooser_open(const char *plugins_dir,
                                           const struct ward_order *order, ward_try_device *fn,
                                           void *arg, struct ward_chooser **out,
                                           struct ward_err *err);
/* The same with options for the plugins (ward_backend_open_with); kept by reference. */
WARD_MUST enum ward_code
ward_chooser_open_with(const char *plugins_dir, const struct ward_order *order,
                       const struct ward_option *options, int n, ward_try_device *fn, void *arg,
                       struct ward_chooser **out, struct ward_err *err);
/* Tries the order from the top, keeps and returns the first that may be used. May be slow (it
 * loads models): call it at start and from a canary's thread. */
WARD_MUST enum ward_code ward_choose(struct ward_chooser *c, struct ward_choice *out,
                                     struct ward_err *err);
/* The choice as it stands, without trying anything.
 *   UNAVAILABLE  reason DEVICE_NOT_READY: none was made, or the last found nothing */
WARD_MUST enum ward_code ward_choose_now(struct ward_chooser *c, struct ward_choice *out,
                                         struct ward_err *err);
/* Whether to choose again: there is no choice or it is degraded, and the last one was tried
 * recheck_ms ago or more. */
bool ward_choose_due(struct ward_chooser *c, int recheck_ms);
/* The same device: what runs on one may stay when the other is chosen. */
bool ward_choice_same(const struct ward_choice *a, const struct ward_choice *b);
/* Everything that was found, in the order's order. Returns how many. */
int ward_chooser_report(struct ward_chooser *c, struct ward_candidate out[WARD_ORDER_MAX]);
void ward_chooser_close(struct ward_chooser *c); /* NULL is fine; models and engines first */

#endif
