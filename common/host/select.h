/* select.h - chooses the device for a model: the best available device that answers correctly.
 *
 * The caller gives an order of back ends ("npu,gpu,cpu") and a fallback policy. The first back
 * end is the preferred back end. A back end is unusable if its library is missing, if it has no
 * ready device, or if its known-answer check fails. The policy `degraded` then tries the next
 * back end, and `deny` fails. A choice other than the preferred back end is marked as degraded.
 * The caller chooses again when the device's canary fails, and when a better device may be
 * available again (ward_choose_due).
 *
 * Threads: threads share a chooser; ward_choose waits for another ward_choose; the other
 * functions never wait. Memory: open/close. Errors: UNAVAILABLE with reason DEVICE_NOT_READY
 * (the tried devices are in detail); INVALID_ARGUMENT for an order with no name or a repeated
 * name. Metric: ward_host_device_ready{backend}.
 */
#ifndef WARD_HOST_SELECT_H
#define WARD_HOST_SELECT_H

#include "common/host/host.h"

#define WARD_ORDER_MAX 4

enum ward_fallback { WARD_FALLBACK_DENY, WARD_FALLBACK_DEGRADED };

/* Parses "npu,gpu,cpu" and "deny"/"degraded". Pure: does not check whether the back ends
 * exist. */
struct ward_order {
    int n;
    char name[WARD_ORDER_MAX][33];
    enum ward_fallback fallback;
};
WARD_MUST enum ward_code ward_order_parse(const char *order, const char *fallback,
                                          struct ward_order *out, struct ward_err *err);

/* The result of the last try of one back end, for status calls. Back ends after the chosen back
 * end are not tried, and their `why` states this. */
struct ward_candidate {
    char backend[33];
    struct ward_device device; /* the device that would be used; kind is 0 for no device */
    bool ready;
    char why[160];    /* "" when ready; may be sent to callers */
    char detail[192]; /* the plugin's own text, "" for none; for operators and logs */
};

struct ward_choice {
    /* owned by the chooser; with an opener, owned by the ward_try_device function */
    struct ward_backend *backend;
    struct ward_device device;
    bool degraded;
    int rank; /* index in the order */
};

/* Tries one device: loads the models on it, runs the known-answer checks, and releases the
 * models. OK means that the device is usable. */
typedef enum ward_code ward_try_device(void *arg, struct ward_backend *b,
                                       const struct ward_device *d, struct ward_err *err);

struct ward_chooser;
WARD_MUST enum ward_code ward_chooser_open(const char *plugins_dir,
                                           const struct ward_order *order, ward_try_device *fn,
                                           void *arg, struct ward_chooser **out,
                                           struct ward_err *err);
/* Opens a chooser with options for the plugins (ward_backend_open_with); the options are stored
 * by reference.
 */
WARD_MUST enum ward_code
ward_chooser_open_with(const char *plugins_dir, const struct ward_order *order,
                       const struct ward_option *options, int n, ward_try_device *fn, void *arg,
                       struct ward_chooser **out, struct ward_err *err);
/* Opens a chooser that opens back ends with a function, such as in a worker process. Each try
 * opens a new back end. A ward_try_device that returns OK keeps the back end open and closes it
 * later. The chooser closes the back ends of failed tries. The order must not change while the
 * chooser is open. */
struct ward_opener {
    enum ward_code (*open)(void *arg, const char *name, struct ward_backend **out,
                           struct ward_err *err);
    void *arg;
};
WARD_MUST enum ward_code ward_chooser_open_by(const struct ward_opener *opener,
                                              const struct ward_order *order,
                                              ward_try_device *fn, void *arg,
                                              struct ward_chooser **out, struct ward_err *err);
/* Tries the order from the top, and stores and returns the first usable back end. ward_choose
 * may be slow, because it loads models. Call ward_choose at start and from a canary's
 * thread. */
WARD_MUST enum ward_code ward_choose(struct ward_chooser *c, struct ward_choice *out,
                                     struct ward_err *err);
/* Returns the current choice without trying anything.
 *   UNAVAILABLE  reason DEVICE_NOT_READY: there was no try, or the last try found nothing */
WARD_MUST enum ward_code ward_choose_now(struct ward_chooser *c, struct ward_choice *out,
                                         struct ward_err *err);
/* Returns whether to choose again: there is no choice or a degraded choice, and the last try is
 * at least recheck_ms old. */
bool ward_choose_due(struct ward_chooser *c, int recheck_ms);
/* Returns whether both choices are the same device. If so, loaded models may stay loaded. */
bool ward_choice_same(const struct ward_choice *a, const struct ward_choice *b);
/* Writes all results in the order of the back ends. Returns the number of results. */
int ward_chooser_report(struct ward_chooser *c, struct ward_candidate out[WARD_ORDER_MAX]);
void ward_chooser_close(
    struct ward_chooser *c); /* accepts NULL; close models and engines first */

#endif
