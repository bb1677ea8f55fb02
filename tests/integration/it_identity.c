#include "tests/integration/it_identity.h"

#include "common/base/clock.h"
#include "common/base/text.h"

#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define DIM 512

extern const struct ward_schema ward_schema_identity;

void (*it_enrol_pause)(void);

static char folder[] = "/tmp/ward-it-keys-XXXXXX";

const char *it_folder(void)
{
    static bool made;

    if (!made)
        assert_non_null(mkdtemp(folder));
    made = true;
    return folder;
}

void it_run(const char *const argv[])
{
    int status = 0;
    pid_t pid = fork();

    if (pid == 0) {
        int out = open("/dev/null", O_WRONLY | O_CLOEXEC);

        dup2(out, STDOUT_FILENO);
        execvp(argv[0], (char *const *)(uintptr_t)argv);
        _exit(127);
    }
    assert_true(pid > 0 && waitpid(pid, &status, 0) == pid);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

void it_folder_remove(void)
{
    it_run((const char *const[]){"rm", "-rf", it_folder(), NULL});
}

const char *it_root(const char *name)
{
    static char path[8][128];
    static int turn;
    char hex[2 * WARD_KEY_SIZE + 1], *p = path[turn++ % 8];
    uint8_t key[WARD_KEY_SIZE];
    int fd;

    snprintf(p, sizeof(path[0]), "%s/%s", it_folder(), name);
    fd = open(p, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return p;
    ward_random(key, sizeof(key));
    ward_hex(key, sizeof(key), hex);
    assert_int_equal(write(fd, hex, sizeof(hex) - 1), sizeof(hex) - 1);
    close(fd);
    return p;
}

void it_identity_fresh(const char *name)
{
    const struct ward_schema *sets[] = {&ward_schema_common, &ward_schema_identity};
    struct ward_err err = {0};

    it_fresh(name);
    it_expect(ward_db_migrate(&it_cfg, sets, 2, &err), WARD_OK, &err);
}

struct keys *it_keys(const char *root, const char *old)
{
    const struct keys_config cfg = {.root = root, .root_old = old, .tenant = "north"};
    struct ward_err err = {0};
    struct keys *k = NULL;

    it_expect(keys_open(&cfg, &it_cfg, &k, &err), WARD_OK, &err);
    return k;
}

/* The face of a subject: a vector of length 1 that follows from the id. */
static void face_of(const uint8_t id[KEYS_ID], float v[DIM])
{
    uint8_t h[WARD_SHA256_SIZE];
    double norm = 0;

    ward_sha256(id, KEYS_ID, h);
    for (int i = 0; i < DIM; i++) {
        v[i] = (float)((int)h[i % 32] - 128) + (float)(i % 7);
        norm += (double)v[i] * (double)v[i];
    }
    for (int i = 0; i < DIM; i++)
        v[i] = (float)((double)v[i] / sqrt(norm));
}

struct enrolling {
    struct keys *k;
    struct ward_arena mem;
    struct ward_wrapped_key w;
    struct sealed_template t;
    uint8_t key[WARD_KEY_SIZE];
    const char *key_file; /* of the first release's root; NULL: as now */
};

static enum ward_code insert(struct enrolling *e, struct ward_db *db, struct ward_err *err)
{
    struct ward_val id = ward_blob(e->w.owner, KEYS_ID);
    struct ward_arena *mem = &e->mem;

    WARD_TRY(ward_db_run(
        db, NULL, "INSERT INTO face_key (subject_id, kek, wrapped) VALUES (?, ?, ?)",
        WARD_PARAMS(id, ward_int(mem, e->w.kek), ward_blob(e->w.wrapped, WARD_WRAPPED)), NULL,
        err));
    return ward_db_run(
        db, NULL,
        "INSERT INTO template (template_id, subject_id, model_sha256, sealed, eye_distance_px, "
        "detection_score, created_at_us, generation, dim) VALUES (?, ?, ?, ?, 60, 0.9, 1, ?, "
        "?)",
        WARD_PARAMS(ward_blob(e->t.template_id, KEYS_ID), id, ward_text(e->t.model_sha256),
                    ward_blob(e->t.bytes, e->t.n), ward_int(mem, e->t.generation),
                    ward_int(mem, e->t.dim)),
        NULL, err);
}

static enum ward_code as_now(struct enrolling *e, struct ward_db *db, struct ward_err *err)
{
    float v[DIM];

    face_of(e->w.owner, v);
    WARD_TRY(ward_keyring_new_key(keys_ring(e->k), &e->w, e->key, err));
    WARD_TRY(ward_keyring_hold(keys_ring(e->k), db, &e->mem, e->key, &e->w, err));
    if (it_enrol_pause != NULL)
        it_enrol_pause();
    WARD_TRY(template_seal(e->k, e->key, v, &e->t, err));
    return template_hold(e->k, db, &e->mem, e->key, &e->t, err);
}

/* What the first release bound things to. */
struct first_release {
    char label[32];
    uint8_t subject_id[16], template_id[16];
    char model_sha256[64];
};

static enum ward_code as_then(struct enrolling *e, struct ward_err *err)
{
    struct first_release key = {.label = "ward identity key 1"};
    struct first_release t = {.label = "ward identity template 1"};
    uint8_t root[WARD_KEY_SIZE];
    float v[DIM];

    memcpy(key.subject_id, e->w.owner, KEYS_ID);
    memcpy(t.subject_id, e->w.owner, KEYS_ID);
    memcpy(t.template_id, e->t.template_id, KEYS_ID);
    memcpy(t.model_sha256, e->t.model_sha256, 64);
    face_of(e->w.owner, v); /* this machine is little-endian, as the bytes are */
    e->t.n = sizeof(v) + WARD_SEAL_EXTRA;
    ward_random(e->key, sizeof(e->key));
    WARD_TRY(ward_key_load(e->key_file, root, err));
    WARD_TRY(ward_seal(root, &key, sizeof(key), e->key, sizeof(e->key), e->w.wrapped, err));
    return ward_seal(e->key, &t, sizeof(t), v, sizeof(v), e->t.bytes, err);
}

static enum ward_code enrol_in_tx(struct ward_db *db, void *arg, struct ward_err *err)
{
    struct enrolling *e = arg;

    WARD_TRY(ward_db_run(
        db, NULL,
        "INSERT INTO subject (subject_id, kind, enrolled_at_us) VALUES (?, ?, "
        "1)",
        WARD_PARAMS(ward_blob(e->w.owner, KEYS_ID), ward_int(&e->mem, e->t.kind)), NULL, err));
    WARD_TRY(e->key_file == NULL ? as_now(e, db, err) : as_then(e, err));
    return insert(e, db, err);
}

static enum ward_code enrol(struct enrolling *e, struct ward_db *db, uint8_t id[KEYS_ID],
                            struct ward_err *err)
{
    enum ward_code code;

    ward_arena_init(&e->mem, 1 << 20);
    ward_uuid7(e->w.owner);
    ward_random(e->w.owner + 8, 8);
    ward_uuid7(e->t.template_id);
    memcpy(e->t.subject_id, e->w.owner, KEYS_ID);
    memset(e->t.model_sha256, 'c', 64);
    e->t.dim = DIM;
    code = ward_db_tx(db, enrol_in_tx, e, err);
    memcpy(id, e->w.owner, KEYS_ID);
    ward_arena_done(&e->mem);
    return code;
}

enum ward_code it_enrol(struct keys *k, struct ward_db *db, int kind, uint8_t id[KEYS_ID],
                        struct ward_err *err)
{
    struct enrolling e = {.k = k, .t = {.kind = kind}};

    return enrol(&e, db, id, err);
}

void it_enrol_old(struct ward_db *db, const char *root, uint8_t id[KEYS_ID])
{
    struct enrolling e = {.key_file = root, .t = {.kind = 1}};
    struct ward_err err = {0};

    it_expect(enrol(&e, db, id, &err), WARD_OK, &err);
}

static void opens(struct keys *k, struct ward_db *db, const struct ward_val *row)
{
    struct ward_wrapped_key w = {.kek = (int)ward_keyring_number(row[1])};
    struct sealed_template t = {.kind = (int)ward_keyring_number(row[3]),
                                .generation = (int)ward_keyring_number(row[4]),
                                .dim = DIM,
                                .n = row[6].n};
    float v[DIM], want[DIM];
    uint8_t key[WARD_KEY_SIZE];
    struct ward_err err = {0};
    double dot = 0;

    memcpy(w.owner, row[0].p, KEYS_ID);
    memcpy(w.wrapped, row[2].p, WARD_WRAPPED);
    memcpy(t.subject_id, row[0].p, KEYS_ID);
    memcpy(t.template_id, row[5].p, KEYS_ID);
    memset(t.model_sha256, 'c', 64);
    memcpy(t.bytes, row[6].p, row[6].n);
    it_expect(ward_keyring_unwrap(keys_ring(k), db, &w, key, &err), WARD_OK, &err);
    it_expect(template_open(key, &t, v, &err), WARD_OK, &err);
    it_expect(keys_turn_back(k, db, t.kind, t.generation, DIM, v, &err), WARD_OK, &err);
    face_of(w.owner, want);
    for (int i = 0; i < DIM; i++)
        dot += (double)v[i] * (double)want[i];
    assert_true(dot > 1 - 1e-5);
}

int it_all_open(struct keys *k, struct ward_db *db)
{
    struct ward_err err = {0};
    struct ward_rows rows;
    struct ward_arena mem;
    int n;

    ward_arena_init(&mem, 64 << 20);
    it_expect(ward_db_run(db, &mem,
                          "SELECT f.subject_id, f.kek, f.wrapped, s.kind, t.generation, "
                          "t.template_id, t.sealed FROM face_key f JOIN subject s ON "
                          "s.subject_id = f.subject_id JOIN template t ON t.subject_id = "
                          "f.subject_id",
                          WARD_NO_PARAMS, &rows, &err),
              WARD_OK, &err);
    for (size_t i = 0; i < rows.n; i++)
        opens(k, db, rows.at[i]);
    n = (int)rows.n;
    ward_arena_done(&mem);
    assert_int_equal(n, it_count(db, "SELECT COUNT(*) FROM face_key"));
    return n;
}

void it_no_orphan(struct ward_db *db)
{
    assert_int_equal(it_count(db, "SELECT COUNT(*) FROM face_key f LEFT JOIN kek k ON k.kek = "
                                  "f.kek WHERE k.kek IS NULL AND f.kek > 0"),
                     0);
    assert_int_equal(it_count(db, "SELECT COUNT(*) FROM secret f LEFT JOIN kek k ON k.kek = "
                                  "f.kek WHERE k.kek IS NULL"),
                     0);
    assert_int_equal(it_count(db, "SELECT COUNT(*) FROM token_key f LEFT JOIN kek k ON k.kek = "
                                  "f.kek WHERE k.kek IS NULL"),
                     0);
}
