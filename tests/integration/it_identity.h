/* it_identity.h - what tests of identity's tables share: roots in files, and subjects whose
 * keys and templates are made and checked without a photograph.
 *
 * Threads: set up from one; enrol and check from any, each with a connection of its own.
 * Memory: the caller's. Errors: a test that cannot be set up fails.
 */
#ifndef WARD_TESTS_INTEGRATION_IT_IDENTITY_H
#define WARD_TESTS_INTEGRATION_IT_IDENTITY_H

#include "services/identity/keys/keys_own.h"
#include "tests/integration/it.h"

/* A folder of this process's own, removed by it_folder_remove. */
const char *it_folder(void);
void it_folder_remove(void);
/* A root key file of this name in it, made on first use. */
const char *it_root(const char *name);
/* Runs a program that must succeed. */
void it_run(const char *const argv[]);
/* Drops and makes the database with identity's tables. */
void it_identity_fresh(const char *name);
/* Must open. old: "" for none. */
struct keys *it_keys(const char *root, const char *old);

/* A new subject with a key and a template, as enrolment keeps them. */
enum ward_code it_enrol(struct keys *k, struct ward_db *db, int kind, uint8_t id[KEYS_ID],
                        struct ward_err *err);
/* Called by it_enrol between holding the kek and keeping what it wrapped; NULL: nothing. */
extern void (*it_enrol_pause)(void);
/* The same as the first release kept them: wrapped by the root in the file, not turned. */
void it_enrol_old(struct ward_db *db, const char *root, uint8_t id[KEYS_ID]);
/* Every subject's key and template opens and is what was enrolled; how many. */
int it_all_open(struct keys *k, struct ward_db *db);
/* No row names a kek that is not there. */
void it_no_orphan(struct ward_db *db);

#endif
