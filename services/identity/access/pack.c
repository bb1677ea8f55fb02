#include "services/identity/access/pack.h"

#include <string.h>
#include <yajl/yajl_gen.h>

static void text(yajl_gen g, const char *s)
{
    (void)yajl_gen_string(g, (const unsigned char *)s, strlen(s));
}

static void text_of(yajl_gen g, const char *key, const char *s)
{
    text(g, key);
    text(g, s);
}

static void number_of(yajl_gen g, const char *key, int64_t n)
{
    text(g, key);
    (void)yajl_gen_integer(g, n);
}

static void begin_list(yajl_gen g, const char *key)
{
    text(g, key);
    (void)yajl_gen_array_open(g);
}

static const char *liveness_name(int policy)
{
    return policy == LIVENESS_NONE       ? "NONE"
           : policy == LIVENESS_PASSIVE  ? "PASSIVE"
           : policy == LIVENESS_ATTENDED ? "ATTENDED"
                                         : "ACTIVE";
}

static void say_hours(yajl_gen g, const struct hours *h)
{
    (void)yajl_gen_map_open(g);
    begin_list(g, "weekdays");
    for (int d = 0; d < 7; d++)
        if ((h->weekdays >> d & 1) != 0)
            (void)yajl_gen_integer(g, d + 1);
    (void)yajl_gen_array_close(g);
    number_of(g, "start_minute", h->start);
    number_of(g, "end_minute", h->end);
    (void)yajl_gen_map_close(g);
}

static void say_zone(yajl_gen g, const struct zone *z)
{
    (void)yajl_gen_map_open(g);
    text_of(g, "zone", z->zone);
    text(g, "anti_passback");
    (void)yajl_gen_bool(g, z->anti_passback);
    number_of(g, "passback_minutes", z->passback_minutes);
    text_of(g, "liveness", liveness_name(z->liveness));
    begin_list(g, "rules");
    for (size_t i = 0; i < z->n_rules; i++) {
        (void)yajl_gen_map_open(g);
        text_of(g, "role", z->rules[i].role);
        begin_list(g, "hours");
        for (size_t k = 0; k < z->rules[i].n_hours; k++)
            say_hours(g, &z->rules[i].hours[k]);
        (void)yajl_gen_array_close(g);
        (void)yajl_gen_map_close(g);
    }
    (void)yajl_gen_array_close(g);
    (void)yajl_gen_map_close(g);
}

static void say_door(yajl_gen g, const struct door *d)
{
    (void)yajl_gen_map_open(g);
    text_of(g, "door", d->door);
    text_of(g, "from_zone", d->from_zone == NULL ? "" : d->from_zone);
    text_of(g, "to_zone", d->to_zone);
    (void)yajl_gen_map_close(g);
}

bool pack_asks(const struct pack *p, const char *role)
{
    for (size_t i = 0; i < p->n_zones; i++)
        for (size_t k = 0; k < p->zones[i]->n_rules; k++)
            if (strcmp(p->zones[i]->rules[k].role, role) == 0)
                return true;
    return false;
}

static void say_staff(yajl_gen g, const struct pack *p)
{
    begin_list(g, "staff");
    for (size_t i = 0; i < p->n_staff; i++) {
        bool first = i == 0 || strcmp(p->staff[i].id, p->staff[i - 1].id) != 0;
        bool last = i + 1 == p->n_staff || strcmp(p->staff[i].id, p->staff[i + 1].id) != 0;

        if (first) {
            (void)yajl_gen_map_open(g);
            text_of(g, "subject_id", p->staff[i].id);
            begin_list(g, "roles");
        }
        text(g, p->staff[i].role);
        if (last) {
            (void)yajl_gen_array_close(g);
            (void)yajl_gen_map_close(g);
        }
    }
    (void)yajl_gen_array_close(g);
}

static void say(yajl_gen g, const struct pack *p)
{
    (void)yajl_gen_map_open(g);
    text_of(g, "iss", WARD_PPID_ISSUER);
    number_of(g, "iat", p->issued_at);
    number_of(g, "exp", p->expires_at);
    text_of(g, "time_zone", p->time_zone);
    begin_list(g, "doors");
    for (size_t i = 0; i < p->n_doors; i++)
        say_door(g, &p->doors[i]);
    (void)yajl_gen_array_close(g);
    begin_list(g, "zones");
    for (size_t i = 0; i < p->n_zones; i++)
        say_zone(g, p->zones[i]);
    (void)yajl_gen_array_close(g);
    say_staff(g, p);
    (void)yajl_gen_map_close(g);
}

enum ward_code pack_json(const struct pack *p, struct ward_arena *mem, char **out,
                         struct ward_err *err)
{
    yajl_gen g = yajl_gen_alloc(NULL);
    const unsigned char *bytes;
    char *copy = NULL;
    size_t n = 0;

    if (g == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for the pack");
    say(g, p);
    if (yajl_gen_get_buf(g, &bytes, &n) == yajl_gen_status_ok)
        copy = ward_alloc(mem, n + 1);
    if (copy != NULL)
        memcpy(copy, bytes, n);
    yajl_gen_free(g);
    if (copy == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for the pack");
    *out = copy;
    return WARD_OK;
}
