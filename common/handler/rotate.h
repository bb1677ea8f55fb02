/* rotate.h - the RotateKeys method of every service. The method runs a rotation
 * (common/keyring/rotation.h), reports progress to the caller, and writes the event in the
 * transaction that destroys the old KEKs.
 *
 * Threads: the worker's thread. Memory: the call's arena. Errors: as rotation.h.
 */
#ifndef WARD_HANDLER_ROTATE_H
#define WARD_HANDLER_ROTATE_H

#include "common/handler/event.h"
#include "common/keyring/rotation.h"

/* Sends the service's own progress message. event: the id of the event, as text. */
typedef enum ward_code ward_rotate_say(struct ward_call *c, const struct ward_kek_rotation *r,
                                       bool finished, const char *event);
WARD_MUST enum ward_code ward_rotate_keys(struct ward_call *c, struct ward_event_ctx *event_ctx,
                                          struct ward_keyring *k, ward_rotate_say *say);

#endif
