#include "tests/integration/it.h"

#include "common/base/text.h"

#include <glob.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct ward_db_config it_cfg;

static struct ward_arena mem;

const char *it_sql(struct ward_db *db, const char *sql)
{
    struct ward_rows rows = {0};
    struct ward_err err = {0};

    if (mem.cap == 0)
        ward_arena_init(&mem, 16 << 20);
    ward_arena_reset(&mem);
    it_expect(ward_db_run(db, &mem, sql, WARD_NO_PARAMS, &rows, &err), WARD_OK, &err);
    return rows.n == 0 ? NULL : rows.at[0][0].p;
}

int64_t it_count(struct ward_db *db, const char *sql)
{
    int64_t n;

    assert_true(ward_i64(it_sql(db, sql), INT64_MIN, INT64_MAX, &n));
    return n;
}

void it_expect(enum ward_code got, enum ward_code want, const struct ward_err *err)
{
    if (got != want)
        print_error("got %s, want %s: %s [%s]\n", ward_code_name(got), ward_code_name(want),
                    err->msg, err->detail);
    assert_int_equal(got, want);
}

static bool stopped(const char *task)
{
    char path[300], state = '?';
    FILE *f;

    snprintf(path, sizeof(path), "%s/stat", task);
    f = fopen(path, "re");
    if (f == NULL)
        return true; /* the thread has ended */
    if (fscanf(f, "%*d (%*[^)]) %c", &state) != 1)
        state = '?';
    fclose(f);
    return state == 'T';
}

void it_freeze(pid_t pid)
{
    char tasks[64];
    glob_t found;
    bool all = false;

    snprintf(tasks, sizeof(tasks), "/proc/%d/task/*", (int)pid);
    assert_int_equal(kill(pid, SIGSTOP), 0);
    while (!all) {
        all = glob(tasks, 0, NULL, &found) == 0;
        for (size_t i = 0; all && i < found.gl_pathc; i++)
            all = stopped(found.gl_pathv[i]);
        globfree(&found);
        usleep(1000);
    }
}

struct ward_db *it_open(void)
{
    struct ward_db *db = NULL;
    struct ward_err err = {0};

    it_expect(ward_db_open(&it_cfg, &db, &err), WARD_OK, &err);
    return db;
}

void it_fresh(const char *name)
{
    static char keep[64], drop[96], make[96];
    const struct ward_schema *sets[] = {&ward_schema_common};
    struct ward_db_config cfg = {.socket = getenv("WARD_TEST_DB_SOCKET"),
                                 .host = "",
                                 .user = getenv("WARD_TEST_DB_USER"),
                                 .password = "",
                                 .name = ""};
    struct ward_err err = {0};
    struct ward_db *db;

    if (cfg.socket == NULL)
        fail_msg("run me under tests/tools/with-db");
    snprintf(keep, sizeof(keep), "%s", name);
    snprintf(drop, sizeof(drop), "DROP DATABASE IF EXISTS %s", name);
    snprintf(make, sizeof(make), "CREATE DATABASE %s", name);
    it_cfg = cfg;
    db = it_open();
    it_sql(db, drop);
    it_sql(db, make);
    ward_db_close(db);
    it_cfg.name = keep;
    it_expect(ward_db_migrate(&it_cfg, sets, 1, &err), WARD_OK, &err);
}
