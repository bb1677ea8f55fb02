/* Redact: makes all faces of a photograph unrecognisable. */
#include "common/image/encode.h"
#include "common/image/image.h"
#include "services/identity/api.h"
#include "services/identity/verify/hide.h"

#include <string.h>

typedef Ward__Identity__V1__RedactRequest RedactRequest;
typedef Ward__Identity__V1__RedactResponse RedactResponse;

#define QUALITY 90

struct redaction {
    struct ward_call *call;
    struct ward_event event;
    struct hiding hiding;
};

static enum ward_code in_tx(struct ward_db *db, void *arg, struct ward_err *err)
{
    return ward_event_write(&((struct redaction *)arg)->event, db, err);
}

static enum ward_code work(struct redaction *r, const RedactRequest *req, RedactResponse *resp)
{
    struct ward_call *c = r->call;
    struct worker *w = c->wrk;
    struct ward_stop stop = api_stop(c);
    struct hiding *h = &r->hiding;

    WARD_TRY(photo_decode(c->mem, req->photograph.data, req->photograph.len, &h->im, c->err));
    h->engine = w->face;
    h->pack = w->id->now.pack;
    h->stop = &stop;
    h->mem = c->mem;
    h->err = c->err;
    /* the call has its own copy of the pixels, which may be changed */
    h->rgb = (uint8_t *)(uintptr_t)h->im.rgb;
    h->blur = req->style == WARD__IDENTITY__V1__REDACT_STYLE__REDACT_STYLE_BLUR;
    WARD_TRY(hide_faces(h));
    resp->faces = h->faces;
    resp->crowded = h->crowded;
    resp->least_face_px = hide_least_px(h->pack);
    if (resp->faces == 0 && !req->allow_none)
        return WARD_FAIL_REASON(c->err, FAILED_PRECONDITION, "FACE_NOT_FOUND",
                                "no face was found: check the picture, or set allow_none to "
                                "get the picture unchanged");
    return ward_image_encode_jpeg(&(struct ward_image){h->im.w, h->im.h, h->rgb, 1}, QUALITY,
                                  c->mem, &resp->photograph.data, &resp->photograph.len,
                                  c->err);
}

static enum ward_code redact(struct ward_call *c, const RedactRequest *req,
                             RedactResponse *resp)
{
    struct worker *w = c->wrk;
    struct redaction *r = ward_new(c->mem, struct redaction);
    const char *n;

    if (r == NULL)
        return WARD_FAIL(c->err, RESOURCE_EXHAUSTED, "no memory to redact a photograph");
    r->call = c;
    ward_event_begin(&r->event, c, api_event_ctx(c), NULL);
    ward_db_deadline(w->db, c->deadline_ns);
    if (req->style != WARD__IDENTITY__V1__REDACT_STYLE__REDACT_STYLE_BLUR &&
        req->style != WARD__IDENTITY__V1__REDACT_STYLE__REDACT_STYLE_PIXELATE)
        return WARD_FAIL_FIELD(c->err, "style", "must be set");
    WARD_TRY(ward_canary_state(w->id->canary, c->err));
    WARD_TRY(work(r, req, resp));
    n = ward_printf(c->mem, "%d", resp->faces);
    ward_event_note(&r->event, "faces", n == NULL ? "" : n);
    if (r->hiding.crowded)
        ward_event_note(&r->event, "crowded", "yes");
    ward_event_note(&r->event, "style", r->hiding.blur ? "blur" : "pixelate");
    WARD_TRY(ward_call_copy(c, r->event.event_text, &resp->event_id));
    return ward_db_tx(w->db, in_tx, r, c->err);
}

enum ward_code redact_rpc(struct ward_call *c, const ProtobufCMessage *q, ProtobufCMessage *r)
{
    return redact(c, (const RedactRequest *)q, (RedactResponse *)r);
}
