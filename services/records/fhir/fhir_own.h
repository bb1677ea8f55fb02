/* fhir_own.h - declarations that the files of fhir/ share: fields by their descriptors, names,
 * paths.
 *
 * Threads: pure functions. Memory: the arena, or the caller's. Errors: those of fhir.h.
 */
#ifndef RECORDS_FHIR_OWN_H
#define RECORDS_FHIR_OWN_H

#include "services/records/fhir/fhir.h"

#define FHIR_NAME      64   /* maximum bytes of an element's name, with its NUL */
#define FHIR_PATH      1024 /* maximum bytes of a path; a longer one is truncated */
#define FHIR_STRING    ((size_t)64 << 10)
#define FHIR_NOTE      ((size_t)1 << 20) /* maximum bytes of div, markdown and notes */
#define FHIR_MORE      ((size_t)64 << 10)
#define FHIR_JSON_DEEP 56 /* maximum depth of a resource in a bundle */

typedef ProtobufCMessage Message;
typedef ProtobufCMessageDescriptor MessageType;
typedef ProtobufCFieldDescriptor Field;

/* ---- paths: field.c ---- */

struct fhir_path {
    char text[FHIR_PATH];
    size_t n;
};
void path_start(struct fhir_path *p, const char *name);
/* path_push returns the previous length, for path_cut. index < 0: no index. */
size_t path_push(struct fhir_path *p, const char *name, int index);
size_t path_push_index(struct fhir_path *p, size_t index);
size_t path_push_field(struct fhir_path *p, const Field *f, size_t index);
void path_cut(struct fhir_path *p, size_t n);
/* Records a failure at a path. The text must not contain a value. */
#define FHIR_FAIL(err, path, why, ...)                                                         \
    fhir_fail((err), (path), WARD_FAIL_REASON((err), INVALID_ARGUMENT, why, __VA_ARGS__),      \
              __FILE__, __LINE__)
enum ward_code fhir_fail(struct ward_err *err, const struct fhir_path *p, enum ward_code code,
                         const char *file, int line);

/* ---- names: field.c ---- */

/* Converts "birth_date" to "birthDate". */
void fhir_name(const Field *f, char out[FHIR_NAME]);
/* The field of an object's member; NULL: no such field. */
const Field *fhir_field(const MessageType *type, const char *key);
/* "entered-in-error"; NULL for an invalid number. */
const char *fhir_code(const ProtobufCEnumDescriptor *type, int number, char out[FHIR_NAME]);
bool fhir_code_number(const ProtobufCEnumDescriptor *type, const char *code, int *out);

/* ---- fields: field.c ---- */

/* The message in the Resource's oneof; NULL: not set. */
Message *fhir_body(const Resource *res);
bool is_decimal(const Field *f);
bool is_more(const Field *f);
bool is_repeated(const Field *f);
/* The number of values: 0 if the element is missing. */
size_t field_count(const Message *m, const Field *f);
/* Returns a pointer to the i-th value: a char **, Message **, ProtobufCBinaryData *, int32_t *,
 * uint32_t * or protobuf_c_boolean *. */
void *field_at(const Message *m, const Field *f, size_t i);
/* more_json of a message; "" for none. */
const char *field_more(const Message *m);
/* Text of a string field, "" if it is not set. */
const char *text_of(const char *s);

/* ---- strings: string.c ---- */

enum fhir_string {
    STRING_UNKNOWN, /* a field that no table lists: string_test.c detects this bug */
    STRING_TEXT,
    STRING_NOTE, /* markdown and similar types, up to FHIR_NOTE bytes */
    STRING_URI,
    STRING_CODE,
    STRING_ID,
    STRING_UUID, /* a resource's own id */
    STRING_DATE,
    STRING_DATETIME,
    STRING_INSTANT,
    STRING_TIME,
    STRING_DECIMAL,
    STRING_MORE,
    STRING_JSON /* Other.json, written by of_json.c */
};
enum fhir_string fhir_string_of(const MessageType *type, const char *field);
WARD_MUST enum ward_code fhir_string_check(const struct fhir_path *p, enum fhir_string what,
                                           const char *s, struct ward_err *err);

/* The k-th required field of a type, NULL after the last: check.c. */
const char *fhir_required(const MessageType *type, size_t k);

/* ---- checking: check.c, invariant.c ---- */

struct fhir_checking {
    struct ward_arena *mem;
    struct fhir_path path;
    const Message *root;
};
/* Checks FHIR's invariants of one message whose fields were checked. */
WARD_MUST enum ward_code fhir_invariants(struct fhir_checking *k, const Message *m,
                                         struct ward_err *err);
/* Check a Quantity, an Age (age-1) and a Duration (drt-1); NULL is accepted. quantity.c */
WARD_MUST enum ward_code fhir_quantity(struct fhir_checking *k, const Message *m,
                                       struct ward_err *err);
WARD_MUST enum ward_code fhir_age(struct fhir_checking *k, const char *part,
                                  const Ward__Records__V1__Quantity *q, struct ward_err *err);
WARD_MUST enum ward_code fhir_duration(struct fhir_checking *k, const char *part,
                                       const Ward__Records__V1__Quantity *q,
                                       struct ward_err *err);
WARD_MUST enum ward_code fhir_range(struct fhir_checking *k, const Message *m,
                                    struct ward_err *err);
/* Check a Timing.Repeat, dosages, requests and procedures. request.c */
WARD_MUST enum ward_code fhir_timing(struct fhir_checking *k, const Message *m,
                                     struct ward_err *err);
WARD_MUST enum ward_code fhir_dosage(struct fhir_checking *k, const Message *m,
                                     struct ward_err *err);
WARD_MUST enum ward_code fhir_dose_and_rate(struct fhir_checking *k, const Message *m,
                                            struct ward_err *err);
/* nobodys.c: resources without a patient. */
WARD_MUST enum ward_code fhir_organization(struct fhir_checking *k, const Message *m,
                                           struct ward_err *err);
/* Whether the type is Practitioner, Organization or Location. */
bool fhir_is_nobodys(const MessageType *type);
/* Whether a member is the id that a source gave to a resource without a patient, and not a
 * UUID. The id stays in more_json, so that references to the id remain valid. */
bool fhir_keeps_id(const MessageType *type, const struct ward_json *member);
/* Whether any member names a patient, in a reference, a query, an address, or as a kind.
 * other.c */
bool fhir_names_patient(const struct ward_json *v);
WARD_MUST enum ward_code fhir_prescription(struct fhir_checking *k, const Message *m,
                                           struct ward_err *err);
WARD_MUST enum ward_code fhir_initial_fill(struct fhir_checking *k, const Message *m,
                                           struct ward_err *err);
WARD_MUST enum ward_code fhir_dispense(struct fhir_checking *k, const Message *m,
                                       struct ward_err *err);
WARD_MUST enum ward_code fhir_substitution(struct fhir_checking *k, const Message *m,
                                           struct ward_err *err);
WARD_MUST enum ward_code fhir_procedure(struct fhir_checking *k, const Message *m,
                                        struct ward_err *err);
WARD_MUST enum ward_code fhir_immunization(struct fhir_checking *k, const Message *m,
                                           struct ward_err *err);
WARD_MUST enum ward_code fhir_education(struct fhir_checking *k, const Message *m,
                                        struct ward_err *err);
WARD_MUST enum ward_code fhir_protocol(struct fhir_checking *k, const Message *m,
                                       struct ward_err *err);
WARD_MUST enum ward_code fhir_service(struct fhir_checking *k, const Message *m,
                                      struct ward_err *err);
/* other.c: checks an Other; the functions below are shared with of_json.c. */
WARD_MUST enum ward_code fhir_other(struct fhir_checking *k, const Message *m,
                                    struct ward_err *err);
/* whether the resource was entered in error */
bool fhir_other_is_wrong(const struct ward_json *resource);
int fhir_depth(const struct ward_json *v); /* depth of nested [ and {; 0: a plain value */
/* Records a failure in a part of the message at k->path. */
#define FHIR_PART_FAIL(k, err, part, why, ...)                                                 \
    fhir_part((k), (err), (part), WARD_FAIL_REASON((err), INVALID_ARGUMENT, why, __VA_ARGS__), \
              __FILE__, __LINE__)
enum ward_code fhir_part(struct fhir_checking *k, struct ward_err *err, const char *part,
                         enum ward_code code, const char *file, int line);

#endif
