/* AddMember, RemoveMember and ListGalleries. */
#include "services/identity/gallery/own.h"
#include "services/identity/subject/about.h"
#include "ward/identity/v1/gallery.pb-c.h"

typedef Ward__Identity__V1__AddMemberRequest AddRequest;
typedef Ward__Identity__V1__AddMemberResponse AddResponse;
typedef Ward__Identity__V1__RemoveMemberRequest RemoveRequest;
typedef Ward__Identity__V1__RemoveMemberResponse RemoveResponse;
typedef Ward__Identity__V1__ListGalleriesResponse ListResponse;
typedef Ward__Identity__V1__GalleryInfo GalleryInfo;

struct membership {
    struct about about;
    char *gallery;
};

static struct gallery *gallery_of(const struct ward_call *c)
{
    return ((struct worker *)c->wrk)->id->gallery;
}

static enum ward_code begin(struct membership *m, struct ward_call *c, const char *subject_id,
                            const char *gallery)
{
    WARD_TRY(about_begin(&m->about, c, subject_id));
    if (!gallery_is_named(gallery))
        return WARD_FAIL_FIELD(
            c->err, "gallery",
            "must be ward/... or clinic/..., and 1 to 48 characters of a-z, 0-9, - and _");
    m->gallery = api_text(gallery);
    ward_event_note(&m->about.event, "gallery", gallery);
    return WARD_OK;
}

static enum ward_code add_in_tx(struct ward_db *db, void *arg, struct ward_err *err)
{
    struct membership *m = arg;
    struct about *a = &m->about;
    struct ward_call *c = a->call;
    struct ward_event event = a->event;

    WARD_TRY(subject_hold(db, c->mem, a->id, &a->subject, err));
    WARD_TRY(consent_need(db, c->mem, a->id, purpose_of_search(a->subject.kind), err));
    WARD_TRY(galleries_add(db, c->mem, a->id, &m->gallery, 1, err));
    WARD_TRY(ward_event_write(&event, db, err));
    return gallery_changed(gallery_of(c), db, c->mem, a->id, err);
}

enum ward_code add_member_rpc(struct ward_call *c, const ProtobufCMessage *q,
                              ProtobufCMessage *r)
{
    const AddRequest *req = (const AddRequest *)q;
    struct membership m = {0};

    WARD_TRY(begin(&m, c, req->subject_id, req->gallery));
    WARD_TRY(ward_call_copy(c, m.about.event.event_text, &((AddResponse *)r)->event_id));
    return ward_db_tx(about_db(c), add_in_tx, &m, c->err);
}

static enum ward_code remove_in_tx(struct ward_db *db, void *arg, struct ward_err *err)
{
    static const char SQL[] = "DELETE FROM gallery_member WHERE gallery = ? AND subject_id = ?";
    struct membership *m = arg;
    struct about *a = &m->about;
    struct ward_call *c = a->call;
    struct ward_event event = a->event;

    WARD_TRY(subject_hold(db, c->mem, a->id, &a->subject, err));
    WARD_TRY(ward_db_run(db, c->mem, SQL, WARD_PARAMS(ward_text(m->gallery), id_val(a->id)),
                         NULL, err));
    WARD_TRY(ward_event_write(&event, db, err));
    return gallery_changed(gallery_of(c), db, c->mem, a->id, err);
}

enum ward_code remove_member_rpc(struct ward_call *c, const ProtobufCMessage *q,
                                 ProtobufCMessage *r)
{
    const RemoveRequest *req = (const RemoveRequest *)q;
    struct membership m = {0};

    WARD_TRY(begin(&m, c, req->subject_id, req->gallery));
    WARD_TRY(ward_call_copy(c, m.about.event.event_text, &((RemoveResponse *)r)->event_id));
    return ward_db_tx(about_db(c), remove_in_tx, &m, c->err);
}

/* ---- listings ---- */

static void put(ListResponse *resp, GalleryInfo *list, const char *name, int64_t n)
{
    GalleryInfo *g = &list[resp->n_galleries];

    ward__identity__v1__gallery_info__init(g);
    g->gallery = api_text(name);
    g->subjects = n;
    resp->galleries[resp->n_galleries++] = g;
}

static enum ward_code list_galleries(struct ward_call *c, ListResponse *resp)
{
    struct gallery *g = gallery_of(c);
    struct gallery_state state;
    struct named_size *named;
    GalleryInfo *list;
    size_t n;

    WARD_TRY(gallery_ready(g, c->err));
    gallery_state(g, &state);
    WARD_TRY(index_names(&g->x, c->mem, &named, &n, c->err));
    list = ward_alloc(c->mem, (n + 3) * sizeof(*list));
    resp->galleries = ward_alloc(c->mem, (n + 3) * sizeof(list));
    if (list == NULL || resp->galleries == NULL)
        return WARD_FAIL(c->err, RESOURCE_EXHAUSTED, "no memory for the answer");
    put(resp, list, "all", state.subjects[SUBJECT_PATIENT] + state.subjects[SUBJECT_STAFF]);
    put(resp, list, "patients", state.subjects[SUBJECT_PATIENT]);
    put(resp, list, "staff", state.subjects[SUBJECT_STAFF]);
    for (size_t i = 0; i < n; i++)
        put(resp, list, named[i].name, named[i].n);
    resp->seq = state.seq;
    resp->index_bytes = state.bytes;
    return ward_call_copy(c, state.kernel, &resp->kernel);
}

enum ward_code list_galleries_rpc(struct ward_call *c, const ProtobufCMessage *q,
                                  ProtobufCMessage *r)
{
    (void)q;
    return list_galleries(c, (ListResponse *)r);
}
