/* bus_internal.h - declarations shared by the files of common/bus and its fuzzer only.
 *
 * Threads, memory, errors: as bus.h.
 */
#ifndef WARD_BUS_BUS_INTERNAL_H
#define WARD_BUS_BUS_INTERNAL_H

#include "common/bus/bus.h"

enum frame_kind { FRAME_DELIVERY = 1, FRAME_ACK = 2, FRAME_MARK = 3 };

/* An acknowledgement: a code, a message and a reason of struct ward_err. */
#define ACK_MAX 256
size_t ward_ack_pack(const struct ward_err *e, uint8_t out[ACK_MAX]);
WARD_MUST enum ward_code ward_ack_parse(const uint8_t *in, size_t len, struct ward_err *ack,
                                        struct ward_err *err);

/* The progress of a service: the head with count 0, the ids of two rows, the service's name. */
#define MARK_NAME 64
#define MARK_MAX  (24 + MARK_NAME)
/* Returns 0 for a name that is empty or longer than MARK_NAME. */
size_t ward_mark_pack(const char *service, uint64_t sent, uint64_t last, uint8_t out[MARK_MAX]);
/* Returns false if `in` is not a mark, but for example a delivery. */
WARD_MUST bool ward_mark_parse(const uint8_t *in, size_t len, char service[MARK_NAME + 1],
                               uint64_t *sent, uint64_t *last);

#define TOPIC_MAX 32
#define HINT_MAX  (TOPIC_MAX + 8)
size_t ward_hint_pack(const char *topic, uint64_t seq, uint8_t out[HINT_MAX]);
WARD_MUST bool ward_hint_parse(const uint8_t *in, size_t len, const char *topic, uint64_t *seq);

#endif
