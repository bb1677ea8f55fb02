/* The worker process's side of decoding. */
#include "common/base/log.h"
#include "services/diagnosis/decode/decode_own.h"

#include <string.h>

/* memory for one call: a picture, and its upright copy */
#define PIXELS_CAP ((size_t)160 << 20)

struct child {
    const struct ward_decoder *dicom; /* NULL: the decoder is not installed */
};

/* Loads the decoder before the sandbox is closed. Without the decoder's library, the service
 * decodes only JPEG and PNG. */
static enum ward_code open_job(const void *args, size_t n, void **state, enum ward_reach *reach,
                               struct ward_err *err)
{
    static struct child c;
    struct ward_err why = {0};

    if (n == 0 || ((const char *)args)[n - 1] != '\0')
        return WARD_FAIL(err, INVALID_ARGUMENT, "a decoder needs a folder");
    if (ward_decoder_open(args, "dicom", &c.dicom, &why) != WARD_OK)
        WARD_LOG(WARN, "DICOM files are rejected: no decoder", WARD_KV("why", why.msg),
                 WARD_KV("detail", why.detail));
    *reach = WARD_REACH_NOTHING;
    *state = &c;
    return WARD_OK;
}

static enum ward_code ask_job(void *state, struct ward_job_ask *a, struct ward_err *err)
{
    (void)state, (void)a;
    return WARD_FAIL(err, UNIMPLEMENTED, "a decoder does not answer this request");
}

static enum ward_code call_job(void *state, int slot, struct ward_job_call *c,
                               struct ward_err *err)
{
    const struct child *is = state;
    struct decode_head head;
    struct ward_arena mem;
    unsigned char *out;
    enum ward_code code;

    (void)slot;
    ward_arena_init(&mem, PIXELS_CAP);
    code = diagnosis_decode_here(is->dicom, c->in, c->n_in, &mem, &head, err);
    if (code == WARD_OK) {
        const size_t n = (size_t)ward_picture_bytes(&head.is);

        out = ward_job_answer(c, DECODE_AT + n);
        if (out == NULL) {
            code = WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for the pixels");
        } else {
            memcpy(out + DECODE_AT, head.is.pixels, n);
            head.is.pixels = NULL;
            memcpy(out, &head, sizeof(head));
        }
    }
    ward_arena_done(&mem);
    return code;
}

const struct ward_job diagnosis_decode_job = {
    .name = "decode", .open = open_job, .ask = ask_job, .call = call_job};
