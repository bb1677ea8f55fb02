/* decode.h - decodes the files that callers send: JPEG and PNG (common/image), DICOM
 * (plugins/dicom). Decoding runs in a worker process without files and network, because the
 * files come from strangers.
 *
 * One worker process decodes up to DECODE_SLOTS files at once. After a crash the next call
 * starts a new one. A file that ended two processes is rejected for a while, and a file that
 * ended one is decoded alone (common/worker/poison.h). Without isolation JPEG and PNG are
 * decoded in the service, and DICOM is rejected.
 *
 * Threads: any. Memory: pixels are in the arena given. Errors: INVALID_ARGUMENT with a reason
 * of image.h, or DICOM_FORMAT, DICOM_SYNTAX, DICOM_NO_PIXELS, DICOM_TOO_LARGE, DICOM_BITS,
 * DICOM_COLOUR, DICOM_TABLE, DICOM_BROKEN; FAILED_PRECONDITION DICOM_NO_DECODER;
 * RESOURCE_EXHAUSTED no memory, or POISONED_INPUT; UNAVAILABLE WORKER_LOST; DEADLINE_EXCEEDED
 * and CANCELLED by `stop`.
 */
#ifndef DIAGNOSIS_DECODE_DECODE_H
#define DIAGNOSIS_DECODE_DECODE_H

#include "common/base/arena.h"
#include "common/host/decoder.h"
#include "common/worker/job.h"
#include "services/diagnosis/steps/steps.h"

#define DECODE_SLOTS 4
/* maximum size of a DICOM file, also of an inflated one */
#define DECODE_BYTES     ((size_t)32 << 20)
#define DECODE_PICTURE   ((size_t)8 << 20) /* maximum size of a JPEG or PNG file */
#define DECODE_PIXELS    16000000          /* maximum number of pixels in a frame */
#define DECODE_SIDE      16384
#define DECODE_FRAMES    4096
#define DECODE_PROCESSES 8 /* maximum number of texts from diagnosis_decode_words */

struct decode_config {
    const char *plugins; /* the folder with dicom.so; the text is not copied */
    bool isolated;       /* decode in a worker process */
    size_t budget_bytes, most_bytes;
    int run_ms, grace_ms; /* time limits, as in worker.h */
};

struct decoding;
WARD_MUST enum ward_code diagnosis_decode_open(const struct decode_config *cfg,
                                               struct decoding **out, struct ward_err *err);
void diagnosis_decode_close(struct decoding *d); /* NULL is allowed */

struct decode_file {
    const void *bytes;
    size_t n;
    const uint8_t *sha256;
};
struct decoded {
    struct film film;
    /* `facts` is from a DICOM header; false: `facts` has only the size */
    bool dicom;
    struct ward_picture facts; /* `pixels` is NULL */
};
WARD_MUST enum ward_code diagnosis_decode_read(struct decoding *d,
                                               const struct decode_file *file,
                                               struct ward_arena *mem,
                                               const struct ward_stop *stop,
                                               struct decoded *out, struct ward_err *err);

/* Describes how the file was decoded, for a trace: "frame 16 of 30", "palette to RGB". Returns
 * the number of texts. */
int diagnosis_decode_words(const struct decoded *d, struct ward_arena *mem,
                           char *out[DECODE_PROCESSES]);

/* Process id of the current worker process; 0 if no process is running. For tests. */
int diagnosis_decode_pid(struct decoding *d);

/* The worker process's side of decoding, for the table of ward_worker_enter. */
extern const struct ward_job diagnosis_decode_job;

#endif
