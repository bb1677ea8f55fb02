#include "common/vault/pkcs11.h"

#include <fcntl.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

/* Ignores case: "PKCS11:...?pin-value=1234" must not be treated as a file name, because an
 * error would repeat it. */
bool ward_p11_is_uri(const char *text)
{
    return strncasecmp(text, "pkcs11:", 7) == 0;
}

/* Returns the path of "file:/path" or "file:///path" (RFC 8089); NULL for anything else. */
static const char *file_of(const char *source)
{
    if (source == NULL || strncmp(source, "file:", 5) != 0)
        return NULL;
    source += 5;
    if (strncmp(source, "///", 3) == 0)
        source += 2;
    return source[0] == '/' && source[1] != '/' ? source : NULL;
}

/* An error never repeats a part of the URI, because the URI could contain a PIN in the wrong
 * place. */
static enum ward_code refuse_unfit(struct ward_p11_uri *u, struct ward_err *err)
{
    const CK_ATTRIBUTE *class = p11_kit_uri_get_attribute(u->uri, CKA_CLASS);
    CK_OBJECT_CLASS secret = CKO_SECRET_KEY;

    if (p11_kit_uri_get_pin_value(u->uri) != NULL)
        return WARD_FAIL(err, FAILED_PRECONDITION,
                         "the PKCS#11 URI has a pin-value, which process lists and logs show: "
                         "use pin-source=file:/path");
    if (p11_kit_uri_any_unrecognized(u->uri))
        return WARD_FAIL(err, FAILED_PRECONDITION, "the PKCS#11 URI has an unknown attribute");
    if (u->module == NULL || u->module[0] != '/')
        return WARD_FAIL(err, FAILED_PRECONDITION,
                         "the PKCS#11 URI needs module-path=, an absolute path");
    if (p11_kit_uri_get_token_info(u->uri)->label[0] == '\0')
        return WARD_FAIL(err, FAILED_PRECONDITION, "the PKCS#11 URI needs token=");
    if (u->label == NULL && u->id == NULL)
        return WARD_FAIL(err, FAILED_PRECONDITION, "the PKCS#11 URI needs object= or id=");
    if (class != NULL && (class->ulValueLen != sizeof(secret) ||
                          memcmp(class->pValue, &secret, sizeof(secret)) != 0))
        return WARD_FAIL(err, FAILED_PRECONDITION,
                         "the PKCS#11 URI has a type other than secret-key");
    if (u->pin_path == NULL)
        return WARD_FAIL(err, FAILED_PRECONDITION,
                         "the PKCS#11 URI needs pin-source=file:/path");
    return WARD_OK;
}

enum ward_code ward_p11_parse(const char *text, struct ward_p11_uri *out, struct ward_err *err)
{
    struct ward_p11_uri u = {.uri = p11_kit_uri_new()};
    enum ward_code code;

    WARD_ASSERT(u.uri != NULL);
    if (p11_kit_uri_parse(text, P11_KIT_URI_FOR_OBJECT_ON_TOKEN_AND_MODULE, u.uri) !=
        P11_KIT_URI_OK) {
        p11_kit_uri_free(u.uri);
        return WARD_FAIL(err, FAILED_PRECONDITION, "this is not a PKCS#11 URI (RFC 7512)");
    }
    u.module = p11_kit_uri_get_module_path(u.uri);
    u.pin_path = file_of(p11_kit_uri_get_pin_source(u.uri));
    u.label = p11_kit_uri_get_attribute(u.uri, CKA_LABEL);
    u.id = p11_kit_uri_get_attribute(u.uri, CKA_ID);
    code = refuse_unfit(&u, err);
    if (code != WARD_OK) {
        p11_kit_uri_free(u.uri);
        return code;
    }
    *out = u;
    return WARD_OK;
}

void ward_p11_uri_done(struct ward_p11_uri *u)
{
    p11_kit_uri_free(u->uri);
    u->uri = NULL;
}

enum ward_code ward_p11_pin(const char *path, uint8_t pin[WARD_PIN_MAX + 2], size_t *n,
                            struct ward_err *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat st;
    ssize_t got;
    bool private;

    if (fd < 0)
        return WARD_FAIL(err, NOT_FOUND, "cannot open the PIN's file %s", path);
    private = fstat(fd, &st) == 0 && ward_is_private(st.st_mode, st.st_uid, geteuid());
    got = private ? read(fd, pin, WARD_PIN_MAX + 2) : -1;
    close(fd);
    if (!private)
        return WARD_FAIL(err, FAILED_PRECONDITION, "%s must not be readable by others", path);
    if (got > 0 && pin[got - 1] == '\n')
        got--;
    if (got <= 0 || got > WARD_PIN_MAX) {
        ward_wipe(pin, WARD_PIN_MAX + 2);
        return WARD_FAIL(err, FAILED_PRECONDITION, "%s contains no PIN of 1 to %d bytes", path,
                         WARD_PIN_MAX);
    }
    *n = (size_t)got;
    return WARD_OK;
}
