#include "services/records/merge/merge.h"

#include <string.h>

typedef Ward__Records__V1__Patient__Link Link;

#define ACTIVE_SET WARD__RECORDS__V1__PATIENT__ACTIVE_PRESENCE_ACTIVE
#define ACTIVE_NOT WARD__RECORDS__V1__PATIENT__ACTIVE_PRESENCE__NOT_SET

enum was_active active_of(const Patient *p)
{
    if (p->active_presence_case != ACTIVE_SET)
        return WAS_NOT_SET;
    return p->active ? WAS_ACTIVE : WAS_INACTIVE;
}

void active_back(Patient *p, enum was_active was)
{
    p->active_presence_case = was == WAS_NOT_SET ? ACTIVE_NOT : ACTIVE_SET;
    p->active = was == WAS_ACTIVE;
}

enum ward_code link_add(struct ward_arena *mem, Patient *p,
                        Ward__Records__V1__Patient__LinkType type, const char *other,
                        struct ward_err *err)
{
    Link **all = ward_alloc(mem, (p->n_link + 1) * sizeof(Link *)), *l = ward_new(mem, Link);
    Ward__Records__V1__Reference *to = ward_new(mem, Ward__Records__V1__Reference);
    char *reference = ward_printf(mem, "Patient/%s", other);

    if (all == NULL || l == NULL || to == NULL || reference == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for the link");
    ward__records__v1__reference__init(to);
    to->reference = reference;
    ward__records__v1__patient__link__init(l);
    l->other = to;
    l->type = type;
    if (p->n_link > 0)
        memcpy(all, p->link, p->n_link * sizeof(Link *));
    all[p->n_link++] = l;
    p->link = all;
    return WARD_OK;
}

static bool is_link(const Link *l, Ward__Records__V1__Patient__LinkType type, const char *other)
{
    enum kind kind;
    uint8_t id[RECORDS_ID];
    char text[37];

    if (l->type != type || l->other == NULL || !reference_parse(l->other->reference, &kind, id))
        return false;
    ward_uuid_text(id, text);
    return strcmp(text, other) == 0;
}

void link_remove(Patient *p, Ward__Records__V1__Patient__LinkType type, const char *other)
{
    size_t kept = 0;

    for (size_t i = 0; i < p->n_link; i++)
        if (!is_link(p->link[i], type, other))
            p->link[kept++] = p->link[i];
    p->n_link = kept;
}
