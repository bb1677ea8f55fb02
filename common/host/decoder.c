#include "common/host/decoder.h"

#include "common/host/host_own.h"

#include <dlfcn.h>
#include <math.h>
#include <string.h>

const char *ward_decoder_unfit(const struct ward_decoder *d)
{
    if (d == NULL)
        return "the decoder has no table";
    if (d->size < sizeof(*d))
        return "the decoder's table is too small";
    if (d->major != WARD_DECODER_MAJOR)
        return "the decoder's contract has another major version";
    if (d->minor > WARD_DECODER_MINOR)
        return "the decoder's contract is newer than the host's contract";
    if (d->name == NULL || d->version == NULL)
        return "the decoder has no name or version";
    return d->read == NULL ? "the decoder has no read function" : NULL;
}

enum ward_code ward_decoder_open(const char *dir, const char *name,
                                 const struct ward_decoder **out, struct ward_err *err)
{
    const struct ward_decoder *(*entry)(void);
    char path[PATH_MAX];
    const char *unfit;
    void *so;

    WARD_TRY(ward_plugin_find(dir, name, path, err));
    so = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (so == NULL) {
        WARD_FAIL(err, NOT_FOUND, "decoder %s or a library it needs cannot be loaded", name);
        ward_err_detail(err, "%s", dlerror());
        return WARD_NOT_FOUND;
    }
    *(void **)&entry = dlsym(so, WARD_DECODER_ENTRY);
    if (entry == NULL)
        return WARD_FAIL(err, FAILED_PRECONDITION, "decoder %s: no %s", name,
                         WARD_DECODER_ENTRY);
    unfit = ward_decoder_unfit(entry());
    if (unfit != NULL)
        return WARD_FAIL(err, FAILED_PRECONDITION, "decoder %s: %s", name, unfit);
    *out = entry();
    return WARD_OK;
}

/* ---- answers ---- */

static bool text(const char *s, size_t cap, const char *permitted)
{
    return memchr(s, '\0', cap) != NULL && strspn(s, permitted) == strlen(s);
}

static bool code(const char s[WARD_DECODER_TEXT])
{
    return text(s, WARD_DECODER_TEXT, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_ ");
}

bool ward_picture_fit(const struct ward_picture *p, const struct ward_decoder_limits *limits)
{
    return p->rows >= 1 && p->columns >= 1 && p->rows <= limits->side &&
           p->columns <= limits->side && (uint64_t)p->rows * p->columns <= limits->pixels &&
           p->frames >= 1 && p->frames <= limits->frames && p->frame < p->frames &&
           p->window <= WARD_SIGMOID && isfinite(p->slope) && isfinite(p->intercept) &&
           isfinite(p->centre) && isfinite(p->width) && isfinite(p->spacing[0]) &&
           isfinite(p->spacing[1]) && code(p->modality) && code(p->body_part) &&
           code(p->view) && code(p->laterality) && code(p->photometric) &&
           text(p->transfer_syntax, sizeof(p->transfer_syntax), "0123456789.");
}

uint64_t ward_picture_bytes(const struct ward_picture *p)
{
    return (uint64_t)p->rows * p->columns * (p->rgb != 0 ? 3 : sizeof(float));
}
