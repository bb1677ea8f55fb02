/* decode_own.h - declarations that the files of decode/ share. Threads, memory, errors: as in
 * decode.h. */
#ifndef DIAGNOSIS_DECODE_DECODE_OWN_H
#define DIAGNOSIS_DECODE_DECODE_OWN_H

#include "services/diagnosis/decode/decode.h"

/* The head of a worker process's answer. The pixels begin at the next multiple of 64 bytes. */
struct decode_head {
    uint32_t dicom, zero;
    struct ward_picture is;
};
#define DECODE_AT ((sizeof(struct decode_head) + 63) & ~(size_t)63)

enum decode_op { DECODE_FILE = 1 };

extern const struct ward_decoder_limits diagnosis_decode_limits;

/* Decodes in this process. If `decoder` is NULL, DICOM files fail with DICOM_NO_DECODER. */
WARD_MUST enum ward_code diagnosis_decode_here(const struct ward_decoder *decoder,
                                               const void *file, size_t n,
                                               struct ward_arena *mem, struct decode_head *out,
                                               struct ward_err *err);
/* Converts a checked answer to a film. */
void diagnosis_decode_film(const struct decode_head *head, struct decoded *out);

#endif
