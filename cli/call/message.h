/* message.h - prints any protobuf message as JSON by its descriptor, so that --json shows every
 * field of the .proto file.
 *
 * Fields keep their names and order. An enum's value is its name without the enum's prefix
 * ("MATCH"), in lower case if options use it ("patient", "attended", "in"). Missing text is
 * null, bytes are base64, times are the .proto's microseconds.
 *
 * Threads: one. Memory: `mem` for bytes. Errors: none; bytes beyond mem's limit are null.
 */
#ifndef WARD_CLI_MESSAGE_H
#define WARD_CLI_MESSAGE_H

#include "cli/core/cli.h"

#include <protobuf-c/protobuf-c.h>

void message_json(struct cli_json *j, const char *key, const ProtobufCMessage *msg,
                  struct ward_arena *mem);
/* Prints a message for a person: one line `name: value` for each field, nested messages
 * indented below it. Empty fields are omitted. Messages with their own form (view.h) use it,
 * decisions first. A field that ends in _us is a time in UTC. Control characters print as "?".
 */
void message_lines(FILE *to, int indent, const ProtobufCMessage *msg, struct ward_arena *mem);
/* fprintf of two texts from the service; control characters become "?". */
void message_text(FILE *to, const char *format, const char *one, const char *two);
/* Reads message_json's format into `msg`, which is initialised. null and missing fields are
 * skipped. INVALID_ARGUMENT an unknown field, or a value of another type; the message names the
 * path */
WARD_MUST enum ward_code message_of_json(const char *json, size_t n, ProtobufCMessage *msg,
                                         struct ward_arena *mem, struct ward_err *err);
/* Sets one field from an option's text: numbers, enums by name, true and false, base64, a
 * message or several as JSON. For a repeated field, adds the comma-separated parts.
 *   INVALID_ARGUMENT */
WARD_MUST enum ward_code message_set(ProtobufCMessage *msg,
                                     const ProtobufCFieldDescriptor *field, const char *text,
                                     struct ward_arena *mem, struct ward_err *err);
/* Size of one value of this type. */
size_t message_width(ProtobufCType type);
/* Returns false for a member of a oneof that is not set. */
bool message_has(const ProtobufCMessage *msg, const ProtobufCFieldDescriptor *field);
/* "MATCH" for OUTCOME_MATCH, "patient" for SUBJECT_KIND_PATIENT, "?" for an unknown number. */
const char *message_enum(const ProtobufCEnumDescriptor *type, int value);
/* Returns the value with this name, in any case, ignoring '-' and '_'. False: there is none, or
 * it is the unspecified one. */
bool message_enum_of(const ProtobufCEnumDescriptor *type, const char *name, int *out);

#endif
