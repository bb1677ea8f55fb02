#include "common/app/admin_http.h"

#include <string.h>

static struct ward_admin_request *of(http_parser *p)
{
    return p->data;
}

/* Stores the path of the request's target. A query sets r->query and is not stored. */
static int on_url(http_parser *p, const char *at, size_t n)
{
    struct ward_admin_request *r = of(p);

    for (size_t i = 0; i < n; i++) {
        if (r->query || at[i] == '?') {
            r->query = true;
            continue;
        }
        if (r->n_path + 1 >= sizeof(r->path)) {
            r->status = 414;
            return 1;
        }
        r->path[r->n_path++] = at[i];
    }
    return 0;
}

static int on_headers(http_parser *p)
{
    struct ward_admin_request *r = of(p);

    if (p->http_major != 1) {
        r->status = 505;
        return 1;
    }
    return 0;
}

static int on_body(http_parser *p, const char *at, size_t n)
{
    struct ward_admin_request *r = of(p);

    if (r->n_body + n >= sizeof(r->body)) {
        r->status = 413;
        return 1;
    }
    memcpy(r->body + r->n_body, at, n);
    r->n_body += n;
    return 0;
}

static int on_complete(http_parser *p)
{
    of(p)->complete = true;
    http_parser_pause(p, 1); /* bytes after the request are not parsed */
    return 0;
}

static const http_parser_settings SETTINGS = {
    .on_url = on_url,
    .on_headers_complete = on_headers,
    .on_body = on_body,
    .on_message_complete = on_complete,
};

void ward_admin_request_init(struct ward_admin_request *r)
{
    memset(r, 0, sizeof(*r));
    http_parser_init(&r->parser, HTTP_REQUEST);
    r->parser.data = r;
}

int ward_admin_request_feed(struct ward_admin_request *r, const char *bytes, size_t n)
{
    if (r->status != 0)
        return r->status;
    r->n += n;
    if (n > 0)
        http_parser_execute(&r->parser, &SETTINGS, bytes, n);
    if (r->status != 0)
        return r->status;
    if (r->complete || r->parser.upgrade) {
        r->method = http_method_str((enum http_method)r->parser.method);
        r->status = 200;
    } else if (HTTP_PARSER_ERRNO(&r->parser) == HPE_HEADER_OVERFLOW ||
               r->n > WARD_ADMIN_MAX_BYTES) {
        r->status = 431;
    } else if (HTTP_PARSER_ERRNO(&r->parser) != HPE_OK) {
        r->status = 400;
    }
    return r->status;
}

const char *ward_admin_status_text(int status)
{
    switch (status) {
#define XX(number, name, text)                                                                 \
    case number:                                                                               \
        return #text;
        HTTP_STATUS_MAP(XX)
#undef XX
    }
    return "Unknown";
}
