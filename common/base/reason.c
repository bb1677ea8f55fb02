#include "common/base/reason.h"

#include <string.h>

#define ALL      "every service"
#define TOKENS   "a person's token"
#define PPID     "a positive-patient-ID token"
#define IMAGES   "photographs"
#define IDENTITY "identity"
#define AUDIT    "audit"
#define START    "a program that starts"

#define NEW_TOKEN    "get a new token from the issuer"
#define VERIFY_AGAIN "verify the patient again"
#define CLIENT_BUG   "correct the client: the same call fails again"

const struct ward_reason ward_reasons[] = {
    {"WIRE_MALFORMED", WARD_INVALID_ARGUMENT, ALL, "the bytes are not this method's message",
     CLIENT_BUG},
    {"WIRE_TOO_DEEP", WARD_INVALID_ARGUMENT, ALL, "the message nests deeper than 32 levels",
     CLIENT_BUG},
    {"WIRE_TOO_MANY", WARD_INVALID_ARGUMENT, ALL, "the message has more than 65536 elements",
     "split the call"},
    {"WIRE_BAD_UTF8", WARD_INVALID_ARGUMENT, ALL,
     "a text field (BadRequest names it) is not UTF-8, or holds a NUL", CLIENT_BUG},
    {"NO_MESSAGE", WARD_INVALID_ARGUMENT, ALL, "the request has no message", CLIENT_BUG},
    {"ARENA_FULL", WARD_RESOURCE_EXHAUSTED, ALL, "the call needs more memory than it may use",
     "send less at once; a larger WARD_ARENA_KIB allows more"},
    {"OVERLOADED", WARD_RESOURCE_EXHAUSTED, ALL, "too many calls are waiting",
     "wait as long as RetryInfo says, then repeat"},
    {"CALLER_NOT_ALLOWED", WARD_PERMISSION_DENIED, ALL,
     "the service named in the client certificate may not call this method",
     "see the method's `callers` in its .proto"},
    {"ROLE_MISSING", WARD_PERMISSION_DENIED, ALL,
     "none of the person's roles may call this method",
     "see the method's `roles` in its .proto; another person must do this"},
    {"IDEMPOTENCY_MISMATCH", WARD_FAILED_PRECONDITION, ALL,
     "this idempotency key was used for another request", "use a new key for a new request"},
    {"COMMIT_UNKNOWN", WARD_UNAVAILABLE, ALL, "the database did not say whether this was saved",
     "repeat the same call with the same idempotency key"},
    {"REPLY_MALFORMED", WARD_INTERNAL, ALL, "a service answered something else than its .proto",
     "the two are of different versions, or one is broken: tell operations"},
    {"SERVER_NOT_EXPECTED", WARD_UNAVAILABLE, ALL,
     "what answers at this address has another name in its certificate",
     "correct the address or the certificate"},

    {"TOKEN_MISSING", WARD_UNAUTHENTICATED, TOKENS, "a person's bearer token is needed",
     "sign the person in, and send `authorization: Bearer` with the token"},
    {"TOKEN_MALFORMED", WARD_UNAUTHENTICATED, TOKENS,
     "the bearer token is not a JWT of the kind that is taken here",
     "send a compact JWS of at most 8192 characters, type JWT or at+jwt, with `exp`, at most "
     "16 "
     "roles, and without jwk, jku, x5u, x5c or crit in its header"},
    {"TOKEN_ALGORITHM", WARD_UNAUTHENTICATED, TOKENS,
     "the bearer token's algorithm is not its key's",
     "have the issuer sign with RS256, ES256 or EdDSA"},
    {"TOKEN_UNKNOWN_KEY", WARD_UNAUTHENTICATED, TOKENS,
     "no known key is the one the bearer token was signed with",
     "get a new token; if that fails too, the issuer's JWKS has not reached this service"},
    {"TOKEN_SIGNATURE", WARD_UNAUTHENTICATED, TOKENS, "the bearer token's signature is wrong",
     NEW_TOKEN},
    {"TOKEN_EXPIRED", WARD_UNAUTHENTICATED, TOKENS, "the bearer token has expired", NEW_TOKEN},
    {"TOKEN_NOT_YET_VALID", WARD_UNAUTHENTICATED, TOKENS, "the bearer token is not valid yet",
     "compare the issuer's clock with this service's"},
    {"TOKEN_ISSUER", WARD_UNAUTHENTICATED, TOKENS, "the bearer token is from another issuer",
     "sign in at the issuer this service is configured with"},
    {"TOKEN_AUDIENCE", WARD_UNAUTHENTICATED, TOKENS, "the bearer token is for another audience",
     "ask the issuer for a token with this service's audience"},
    {"TOKEN_SUBJECT", WARD_UNAUTHENTICATED, TOKENS,
     "the bearer token names no one, or by more than 128 bytes", "have the issuer set `sub`"},

    {"PPID_MALFORMED", WARD_UNAUTHENTICATED, PPID, "this is not a positive-patient-ID token",
     "send the token that identity's Verify answered, unchanged"},
    {"PPID_ALGORITHM", WARD_UNAUTHENTICATED, PPID,
     "a positive-patient-ID token is signed with EdDSA only", VERIFY_AGAIN},
    {"PPID_UNKNOWN_KEY", WARD_UNAUTHENTICATED, PPID,
     "no key of identity's is the one this token was signed with", VERIFY_AGAIN},
    {"PPID_SIGNATURE", WARD_UNAUTHENTICATED, PPID,
     "the positive-patient-ID token's signature is wrong", VERIFY_AGAIN},
    {"PPID_EXPIRED", WARD_UNAUTHENTICATED, PPID, "the verification of the patient is too old",
     VERIFY_AGAIN},
    {"PPID_NOT_YET_VALID", WARD_UNAUTHENTICATED, PPID,
     "the verification of the patient lies in the future",
     "compare identity's clock with this service's"},
    {"PPID_ISSUER", WARD_UNAUTHENTICATED, PPID,
     "the token is not identity's, or not for this use", VERIFY_AGAIN},
    {"PPID_CLAIMS", WARD_UNAUTHENTICATED, PPID,
     "the positive-patient-ID token lacks a claim or has an absurd one", VERIFY_AGAIN},

    {"IMAGE_EMPTY", WARD_INVALID_ARGUMENT, IMAGES, "there are no bytes", "send the photograph"},
    {"IMAGE_FORMAT", WARD_INVALID_ARGUMENT, IMAGES, "this is neither JPEG nor PNG",
     "save it as one of them"},
    {"IMAGE_TOO_LARGE", WARD_INVALID_ARGUMENT, IMAGES,
     "more bytes or pixels than are taken, or too long a side", "scale it down"},
    {"IMAGE_COLOUR", WARD_INVALID_ARGUMENT, IMAGES, "a CMYK or YCCK JPEG", "save it as RGB"},
    {"IMAGE_BROKEN", WARD_INVALID_ARGUMENT, IMAGES, "damaged or cut short",
     "take or send it again"},

    {"FACE_NOT_FOUND", WARD_FAILED_PRECONDITION, IDENTITY, "the photograph shows no face",
     "take another: face the camera, in even light"},
    {"SEVERAL_FACES", WARD_FAILED_PRECONDITION, IDENTITY, "the photograph shows several faces",
     "take another, of this person alone"},
    {"FACE_TOO_SMALL", WARD_FAILED_PRECONDITION, IDENTITY,
     "the face is too small to be compared", "take another from nearer"},
    {"SUBJECT_NOT_FOUND", WARD_NOT_FOUND, IDENTITY, "no such subject, or it was erased",
     "enrol the person"},
    {"EXTERNAL_REF_TAKEN", WARD_ALREADY_EXISTS, IDENTITY,
     "a subject of this kind has this external_ref", "use that subject"},
    {"NO_CONSENT", WARD_FAILED_PRECONDITION, IDENTITY,
     "consent to use this face was withdrawn, or is for another use",
     "identify this person in another way"},
    {"MODEL_CHANGED", WARD_FAILED_PRECONDITION, IDENTITY,
     "the face template was made by another model", "enrol the person again"},
    {"TEMPLATE_UNREADABLE", WARD_DATA_LOSS, IDENTITY,
     "the face template does not open with this key",
     "identify this person in another way, and tell operations"},
    {"MODEL_NOT_READY", WARD_UNAVAILABLE, IDENTITY,
     "a model's known-answer check fails or hangs on this replica",
     "repeat: another replica may be ready"},

    {"SERVICE_NOT_SENDER", WARD_PERMISSION_DENIED, AUDIT,
     "a service may append events of its own only", CLIENT_BUG},
    {"EVENT_ID_CONFLICT", WARD_ALREADY_EXISTS, AUDIT,
     "the log holds another event under this id", CLIENT_BUG},
    {"QUEUE_FULL", WARD_RESOURCE_EXHAUSTED, AUDIT, "too many events wait to be committed",
     "wait as long as RetryInfo says, then repeat"},
    {"PAGE_TOKEN_INVALID", WARD_INVALID_ARGUMENT, AUDIT, "page_token is not of this query",
     "begin the query again without one"},
    {"KEY_NOT_CURRENT", WARD_FAILED_PRECONDITION, AUDIT,
     "current_vkey is not the key in use: someone rotated it",
     "look with ListKeys, then decide"},
    {"LOG_TAMPERED", WARD_DATA_LOSS, AUDIT, "the stored log is not the log that was signed",
     "stop, keep everything as it is, and compare with a checkpoint kept elsewhere"},

    {"SCHEMA_TOO_NEW", WARD_FAILED_PRECONDITION, START,
     "the database was migrated by a newer version", "run that version or a later one"},
    {"MIGRATION_CHANGED", WARD_FAILED_PRECONDITION, START,
     "a migration is not the one this database has run",
     "run the version that the database was migrated with"},
    {"MODEL_HASH", WARD_FAILED_PRECONDITION, START, "the weights are not the ones meant",
     "install the model again"},
    {"KNOWN_ANSWER", WARD_FAILED_PRECONDITION, START,
     "a model gives another answer than the known one",
     "do not use this device; try another back end"},
    {"ALREADY_UP", WARD_ALREADY_EXISTS, START, "`wardctl up` runs already in this folder",
     "use the one that runs, or --data with another folder"},
    {0},
};

const struct ward_reason *ward_reason_of(const char *name)
{
    const struct ward_reason *r = ward_reasons;

    while (r->name != NULL && strcmp(r->name, name) != 0)
        r++;
    WARD_ASSERT(r->name != NULL);
    return r;
}
