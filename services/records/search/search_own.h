/* search_own.h - declarations that the value parsers share.
 *
 * Threads, memory and errors: as in search.h.
 */
#ifndef RECORDS_SEARCH_OWN_H
#define RECORDS_SEARCH_OWN_H

#include "services/records/search/search.h"

/* Fails with PARAMETER_INVALID, the parameter and the reason, but without the value. */
enum ward_code search_bad(const struct search_reader *r, const struct filter *f,
                          const char *why);
enum ward_code search_no_memory(const struct search_reader *r);
/* Splits "ge2020" into PRE_GE and "2020"; a text without a prefix has PRE_EQ. */
const char *search_prefix(const char *text, enum prefix *out);
/* Returns the unescaped text before the first unescaped bar, or NULL if there is no memory.
 * *rest: the text after the bar; NULL: there is no bar. */
char *search_piece(struct ward_arena *mem, const char *text, const char **rest);

/* value_date.c, value_number.c, value_token.c: parse one value of f into *out. */
WARD_MUST enum ward_code value_date(const struct search_reader *r, const struct search *s,
                                    const struct filter *f, const char *text,
                                    struct value *out);
WARD_MUST enum ward_code value_quantity(const struct search_reader *r, const struct filter *f,
                                        const char *text, struct value *out);
WARD_MUST enum ward_code value_code(const struct search_reader *r, const struct filter *f,
                                    const char *text, struct value *out);
WARD_MUST enum ward_code value_identifier(const struct search_reader *r, const struct filter *f,
                                          const char *text, struct value *out);
/* target: the type that a modifier names, or NULL. */
WARD_MUST enum ward_code value_reference(const struct search_reader *r, const struct filter *f,
                                         const char *text, const char *target,
                                         struct value *out);
WARD_MUST enum ward_code value_ward(const struct search_reader *r, const struct filter *f,
                                    const char *text, const char *target, struct value *out);
WARD_MUST enum ward_code value_name(const struct search_reader *r, const struct filter *f,
                                    const char *text, struct value *out);
WARD_MUST enum ward_code value_telecom(const struct search_reader *r, const struct filter *f,
                                       const char *text, struct value *out);
WARD_MUST enum ward_code value_postal(const struct search_reader *r, const struct filter *f,
                                      const char *text, struct value *out);

#endif
