/* Converts WARD_BYTES to ONNX Runtime's strings, and back. All copies use lengths, because an
 * element may contain a NUL. */
#include "plugins/ort/ort.h"

#include <stdlib.h>
#include <string.h>

static uint32_t length_at(const unsigned char *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

/* The host has checked the size of the whole block, but not of its elements, which are checked
 * here. */
int ort_bytes_in(struct ort_plugin *p, const struct ward_tensor *t, OrtValue **value,
                 struct ward_plugin_err *err)
{
    const unsigned char *at = t->data, *end = at + t->nbytes;
    OrtAllocator *al = NULL;
    size_t n = 1;
    int rc = ort_check(p, p->api->GetAllocatorWithDefaultOptions(&al), err);

    if (rc == 0)
        rc = ort_check(p,
                       p->api->CreateTensorAsOrtValue(
                           al, t->shape, t->rank, ONNX_TENSOR_ELEMENT_DATA_TYPE_STRING, value),
                       err);
    for (uint32_t d = 0; d < t->rank; d++)
        n *= (size_t)t->shape[d];
    for (size_t i = 0; rc == 0 && i < n; i++) {
        char *to = NULL;
        uint32_t len;

        if (end - at < 4 || (len = length_at(at)) > (size_t)(end - at - 4))
            return ort_fail(err, 3, "input %s: the block has fewer elements than its shape",
                            t->name == NULL ? "" : t->name);
        rc =
            ort_check(p, p->api->GetResizedStringTensorElementBuffer(*value, i, len, &to), err);
        if (rc == 0)
            memcpy(to, at + 4, len);
        at += 4 + len;
    }
    return rc != 0 || at == end
               ? rc
               : ort_fail(err, 3, "input %s: the block has more elements than its shape",
                          t->name == NULL ? "" : t->name);
}

/* Packs n elements. `text` contains them one after another in `total` bytes; element i begins
 * at offsets[i]. */
static int pack(const char *text, size_t total, const size_t *offsets, size_t n,
                const struct ward_run *r, struct ward_tensor *t, struct ward_plugin_err *err)
{
    unsigned char *to;

    t->nbytes = total + 4 * n;
    t->data = to = r->alloc(r->ctx, t->nbytes);
    if (to == NULL)
        return ort_fail(err, 8, "no memory for output %s", t->name);
    for (size_t i = 0; i < n; i++) {
        size_t len = (i + 1 < n ? offsets[i + 1] : total) - offsets[i];

        for (int k = 0; k < 4; k++)
            *to++ = (unsigned char)(len >> 8 * k);
        memcpy(to, text + offsets[i], len);
        to += len;
    }
    return 0;
}

int ort_bytes_out(struct ort_plugin *p, const OrtValue *value, size_t n,
                  const struct ward_run *r, struct ward_tensor *t, struct ward_plugin_err *err)
{
    size_t total = 0, *offsets = calloc(n + 1, sizeof(*offsets));
    char *text = NULL;
    int rc = ort_check(p, p->api->GetStringTensorDataLength(value, &total), err);

    if (rc == 0)
        text = malloc(total + 1);
    if (rc == 0 && (offsets == NULL || text == NULL))
        rc = ort_fail(err, 8, "no memory for output %s", t->name);
    if (rc == 0)
        rc = ort_check(p, p->api->GetStringTensorContent(value, text, total, offsets, n), err);
    if (rc == 0)
        rc = pack(text, total, offsets, n, r, t, err);
    free(text);
    free(offsets);
    return rc;
}
