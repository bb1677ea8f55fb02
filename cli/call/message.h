/* message.h - prints any protobuf message as JSON by its descriptor, so that --json shows every
 * field of the .proto file.
 *
 * Fields keep their names and order. An enum's value is printed as its name without the enum's
 * prefix ("MATCH"). Values that are also values of options are lower case ("patient",
 * "attended", "in"). Missing text is null, bytes are base64, and times are the microseconds of
 * the .proto.
 *
 * Threads: one. Memory: `mem` for bytes. Errors: none; bytes beyond mem's limit are null. */
#ifndef WARD_CLI_MESSAGE_H
#define WARD_CLI_MESSAGE_H

#include "cli/core/cli.h"

#include <protobuf-c/protobuf-c.h>

void message_json(struct cli_json *j, const char *key, const ProtobufCMessage *msg,
                  struct ward_arena *mem);
/* Prints a message for a person: one line `name: value` for each field, nested messages
 * indented below it. Empty fields are omitted. Messages that view.h formats are printed in
 * their own form, decisions first. A field whose name ends in _us is printed as a time in UTC.
 * Control characters are printed as "?". */
void message_lines(FILE *to, int indent, const ProtobufCMessage *msg, struct ward_arena *mem);
/* Prints two texts from the service with a printf format. Control characters become "?". */
void message_text(FILE *to, const char *format, const char *one, const char *two);
/* Reads the format of message_json into `msg`, which is initialised. Fields that are null or
 * missing are skipped. INVALID_ARGUMENT for an unknown field, or a value of another type; the
 * message contains the field's path */
WARD_MUST enum ward_code message_of_json(const char *json, size_t n, ProtobufCMessage *msg,
                                         struct ward_arena *mem, struct ward_err *err);
/* Sets a field from the text of an option: a number, the name of an enum's value, true or
 * false, base64, or one or more messages as JSON. For a repeated field, adds the
 * comma-separated parts.
 *   INVALID_ARGUMENT */
WARD_MUST enum ward_code message_set(ProtobufCMessage *msg,
                                     const ProtobufCFieldDescriptor *field, const char *text,
                                     struct ward_arena *mem, struct ward_err *err);
/* Returns the size of one value of this type. */
size_t message_width(ProtobufCType type);
/* Returns false for a member of a oneof that is not set. */
bool message_has(const ProtobufCMessage *msg, const ProtobufCFieldDescriptor *field);
/* Returns the printed name of an enum's value: "MATCH" for OUTCOME_MATCH, "patient" for
 * SUBJECT_KIND_PATIENT, "?" for an unknown number. */
const char *message_enum(const ProtobufCEnumDescriptor *type, int value);
/* Finds the value with this name, without regard to case, '-' and '_'. Returns false if the
 * name is unknown, or is that of the unspecified value. */
bool message_enum_of(const ProtobufCEnumDescriptor *type, const char *name, int *out);

#endif
