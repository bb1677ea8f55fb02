/* index_testing.h - for the tests of the index: a keyring without a database, and functions
 * that index FHIR JSON.
 *
 * Threads: one. Memory: the test's arena. Errors: a test that cannot be set up fails.
 */
#ifndef RECORDS_STORE_INDEX_TESTING_H
#define RECORDS_STORE_INDEX_TESTING_H

#include "common/keyring/keyring_own.h"
#include "common/measure/fhirtime.h"
#include "services/records/access/label.h"
#include "services/records/fhir/fhir.h"
#include "services/records/index/index.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define PATIENT "\"subject\":{\"reference\":\"Patient/01890000-0000-7000-8000-000000000000\"}"
#define WHOSE   "\"patient\":{\"reference\":\"Patient/01890000-0000-7000-8000-000000000000\"}"
#define OBS     "{\"resourceType\":\"Observation\",\"status\":\"final\"," PATIENT
#define HEART                                                                                  \
    ",\"code\":{\"coding\":[{\"system\":\"http://loinc.org\",\"code\":\"8867-4\","             \
    "\"display\":\"Heart rate\"}]}"
#define DAY(y, m, d) (ward_days_of(y, m, d) * WARD_US_PER_DAY)

static struct ward_arena mem;
static struct ward_keyring *keys;

static int begin(void **state)
{
    static char dir[] = "/tmp/ward-index-XXXXXX";
    struct ward_keyring_config cfg = {
        .service = "records", .root_old = "", .unreadable = "RECORD_UNREADABLE"};
    struct secret *hash;
    FILE *f;

    (void)state;
    assert_non_null(mkdtemp(dir));
    ward_arena_init(&mem, (size_t)64 << 20);
    cfg.root = ward_printf(&mem, "%s/root", dir);
    f = fopen(cfg.root, "we");
    assert_non_null(f);
    assert_int_equal(fchmod(fileno(f), 0600), 0);
    for (int i = 0; i < WARD_KEY_SIZE; i++)
        fprintf(f, "%02x", 7);
    assert_int_equal(fclose(f), 0);
    assert_int_equal(ward_keyring_blank(&cfg, &keys, NULL), WARD_OK);
    hash = ward_keyring_place(keys, &keys->now, "hash", 0, 1);
    assert_non_null(hash);
    hash->generation = 1;
    memset(hash->key, 9, WARD_KEY_SIZE);
    unlink(cfg.root);
    rmdir(dir);
    return 0;
}

static int end(void **state)
{
    (void)state;
    ward_keyring_close(keys);
    ward_arena_done(&mem);
    return 0;
}

static enum ward_code index_json(const char *text, struct found_by *out, struct ward_err *err)
{
    const struct ward_json *v = NULL;
    Resource *res = NULL;

    if (ward_json_parse(text, strlen(text), NULL, &mem, &v, err) != WARD_OK ||
        fhir_of_json(&mem, v, NULL, NULL, &res, err) != WARD_OK)
        fail_msg("%s: %s %s", text, err->field, err->msg);
    return index_of(keys, &mem, res, out, err);
}

static struct found_by found(const char *text)
{
    struct ward_err err = {0};
    struct found_by f = {0};

    if (index_json(text, &f, &err) != WARD_OK)
        fail_msg("%s: %s %s", text, err.reason, err.msg);
    return f;
}

#endif
