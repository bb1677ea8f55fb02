/* challenge.h - issued challenges, which are single-use and shared by all replicas.
 *
 * Threads: each worker uses its own connection. Memory: the caller's. Errors: those of db.h,
 * and FAILED_PRECONDITION CHALLENGE_UNKNOWN. */
#ifndef IDENTITY_CHALLENGE_H
#define IDENTITY_CHALLENGE_H

#include "common/rpc/rpc.h"
#include "services/identity/identity.h"
#include "services/identity/live/live.h"

#define CHALLENGE_MS      30000 /* maximum time from its issue to the last frame */
#define CHALLENGE_STEP_MS 5000

struct challenge {
    bool given; /* false: the call has no challenge */
    int n_steps;
    enum live_step steps[LIVE_STEPS_MAX];
    int64_t expires_at_us;
};
/* Marks a challenge as used, whatever the result. Subject, purpose and caller must be those for
 * which it was issued. */
WARD_MUST enum ward_code challenge_take(struct ward_call *c, const char *challenge_id,
                                        const uint8_t subject_id[IDENTITY_ID],
                                        const char *purpose, struct challenge *out);

enum challenge_result {
    CHALLENGE_ISSUED,
    CHALLENGE_UNKNOWN,
    CHALLENGE_PASSED,
    CHALLENGE_FAILED,
};
/* Updates the metric of challenges. */
void identity_challenge_count(enum challenge_result result);

#endif
