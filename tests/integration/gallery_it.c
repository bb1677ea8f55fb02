#include "tests/integration/gallery_it.h"

#include "common/base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#define WAIT_S 60 /* for what takes milliseconds on a machine that does nothing else */

extern const struct ward_schema ward_schema_identity;

char dir[32], snaps[64], file[96], hint[64];
struct keys *keys;
struct gallery *g, *other;
struct ward_db *db;
struct ward_arena mem;
struct ward_err err;
uint64_t dice = 1;

static char kek[64];

/* ---- people ---- */

struct person someone(int kind)
{
    struct person p = {.kind = kind};

    ward_uuid7(p.id);
    test_vector(&dice, NULL, 0, p.face, DIM);
    return p;
}

struct ward_val id_of(const uint8_t id[KEYS_ID])
{
    return ward_blob(id, KEYS_ID);
}

void run(const char *sql, const struct ward_val *params, size_t n)
{
    it_expect(ward_db_run(db, &mem, sql, params, n, NULL, &err), WARD_OK, &err);
}

void consent(const struct person *p, const char *purpose)
{
    run("INSERT INTO consent_entry (subject_id, purpose, text_version, given_by, recorded_by,"
        " given_at_us) VALUES (?, ?, '1', 'self', 'test', 1)",
        WARD_PARAMS(id_of(p->id), ward_text(purpose)));
}

void add_template(const struct person *p, const uint8_t *key, const char *model, const float *v,
                  int dim)
{
    struct sealed_template t = {.kind = p->kind, .dim = dim};

    memcpy(t.subject_id, p->id, KEYS_ID);
    ward_uuid7(t.template_id);
    snprintf(t.model_sha256, sizeof(t.model_sha256), "%s", model);
    it_expect(template_seal(keys, key, v, &t, &err), WARD_OK, &err);
    run("INSERT INTO template (template_id, subject_id, model_sha256, generation, dim, sealed,"
        " eye_distance_px, detection_score, created_at_us) VALUES (?, ?, ?, ?, ?, ?, 60, 0.9, "
        "1)",
        WARD_PARAMS(id_of(t.template_id), id_of(p->id), ward_text(model),
                    ward_int(&mem, t.generation), ward_int(&mem, dim),
                    ward_blob(t.bytes, t.n)));
}

void add_subject(const struct person *p, uint8_t key[WARD_KEY_SIZE])
{
    struct ward_wrapped_key w;

    run("INSERT INTO subject (subject_id, kind, enrolled_at_us) VALUES (?, ?, 1)",
        WARD_PARAMS(id_of(p->id), ward_int(&mem, p->kind)));
    memcpy(w.owner, p->id, KEYS_ID);
    it_expect(ward_keyring_new_key(keys_ring(keys), &w, key, &err), WARD_OK, &err);
    run("INSERT INTO face_key (subject_id, kek, wrapped) VALUES (?, ?, ?)",
        WARD_PARAMS(id_of(p->id), ward_int(&mem, w.kek),
                    ward_blob(w.wrapped, sizeof(w.wrapped))));
}

/* Into the tables, and nobody is told. */
void put(const struct person *p)
{
    uint8_t key[WARD_KEY_SIZE];

    add_subject(p, key);
    add_template(p, key, MODEL, p->face, DIM);
    consent(p, p->kind == SUBJECT_STAFF ? PURPOSE_STAFF : PURPOSE_SEARCH);
    ward_arena_reset(&mem);
}

static enum ward_code changed_in_tx(struct ward_db *on, void *arg, struct ward_err *e)
{
    return gallery_changed(g, on, &mem, arg, e);
}

/* As the handlers do, after what they did. */
void tell(struct person *p)
{
    it_expect(ward_db_tx(db, changed_in_tx, p->id, &err), WARD_OK, &err);
    ward_arena_reset(&mem);
}

void enrol(struct person *p)
{
    put(p);
    tell(p);
}

static enum ward_code erase_in_tx(struct ward_db *on, void *arg, struct ward_err *e)
{
    struct person *p = arg;
    bool had = false;

    WARD_TRY(face_forget(keys, on, &mem, p->id, 7, &had, e));
    WARD_TRY(ward_db_run(on, &mem, "UPDATE subject SET erased_at_us = 7 WHERE subject_id = ?",
                         WARD_PARAMS(id_of(p->id)), NULL, e));
    return gallery_changed(g, on, &mem, p->id, e);
}

void erase(struct person *p)
{
    it_expect(ward_db_tx(db, erase_in_tx, p, &err), WARD_OK, &err);
    ward_arena_reset(&mem);
}

/* ---- galleries ---- */

struct gallery *open_with(const char *folder, const char *listen, const char *peers)
{
    struct gallery_config cfg = {.dir = folder,
                                 .hint_listen = listen,
                                 .hint_peers = peers,
                                 .tls_cert = "",
                                 .tls_key = "",
                                 .tls_ca = "",
                                 .threads = 2,
                                 .snapshot_ms = 50,
                                 .model = {MODEL, FORMER},
                                 .dim = {DIM, 128}};
    struct gallery *out = NULL;

    it_expect(gallery_open(&cfg, keys, &it_cfg, &out, &err), WARD_OK, &err);
    return out;
}

bool in_time(int64_t since)
{
    usleep(2000);
    return ward_mono_ns() - since < WAIT_S * 1000 * WARD_NS_PER_MS;
}

void wait_ready(struct gallery *on)
{
    for (int64_t since = ward_mono_ns(); gallery_ready(on, NULL) != WARD_OK;)
        assert_true(in_time(since));
}

void close_both(void)
{
    gallery_close(other);
    gallery_close(g);
    other = g = NULL;
}

int64_t head(void)
{
    return it_count(db, "SELECT seq FROM gallery_head");
}

struct gallery_state state_of(struct gallery *on)
{
    struct gallery_state s;

    gallery_state(on, &s);
    return s;
}

/* Until it has followed every change there is. */
void wait_level(struct gallery *on)
{
    wait_ready(on);
    for (int64_t since = ward_mono_ns(), to = head(); state_of(on).seq < to;)
        assert_true(in_time(since));
}

/* A snapshot that holds every change there is. */
void wait_snapshot(struct gallery *on)
{
    struct stat st;

    wait_level(on);
    for (int64_t since = ward_mono_ns(), to = head();
         state_of(on).snapshot_seq < to || stat(file, &st) != 0;)
        assert_true(in_time(since));
}

enum ward_code search(struct gallery *on, const char *name, const float *v,
                      struct gallery_found *out)
{
    struct ward_arena room;
    enum ward_code code;

    ward_arena_init(&room, (size_t)32 << 20);
    code = gallery_search(on, db, name, 0, v, 5, NULL, NULL, &room, out, &err);
    ward_arena_done(&room);
    return code;
}

bool finds(struct gallery *on, const char *name, const struct person *p)
{
    struct gallery_found f = {.n = 0};

    it_expect(search(on, name, p->face, &f), WARD_OK, &err);
    return f.n > 0 && memcmp(f.hit[0].subject_id, p->id, KEYS_ID) == 0 &&
           f.hit[0].kind == p->kind && f.hit[0].score > 0.999;
}

void wait_finds(struct gallery *on, const char *name, const struct person *p, bool want)
{
    for (int64_t since = ward_mono_ns(); finds(on, name, p) != want;)
        assert_true(in_time(since));
}

void join(struct person *p, const char *name)
{
    run("INSERT INTO gallery_member (gallery, subject_id) VALUES (?, ?)",
        WARD_PARAMS(ward_text(name), id_of(p->id)));
    tell(p);
}

/* ---- set up ---- */

void open_keys(void)
{
    struct keys_config cfg = {kek, "", "test", 0};

    it_expect(keys_open(&cfg, &it_cfg, &keys, &err), WARD_OK, &err);
}

int set_up(void **state)
{
    static const struct ward_schema *sets[] = {&ward_schema_identity};
    int fd;

    (void)state;
    ward_log_begin("gallery_test");
    snprintf(dir, sizeof(dir), "/tmp/gallery-XXXXXX");
    assert_non_null(mkdtemp(dir));
    snprintf(kek, sizeof(kek), "%s/kek", dir);
    snprintf(snaps, sizeof(snaps), "%s/snaps", dir);
    snprintf(file, sizeof(file), "%s/gallery.snapshot", snaps);
    snprintf(hint, sizeof(hint), "ipc://%s/hint", dir);
    fd = open(kek, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_int_equal(dprintf(fd, "%064d\n", 7), 65);
    close(fd);
    ward_arena_init(&mem, (size_t)64 << 20);
    it_fresh(program_invocation_short_name); /* the tests run beside each other */
    it_expect(ward_db_migrate(&it_cfg, sets, 1, &err), WARD_OK, &err);
    db = it_open();
    open_keys();
    return 0;
}

int tear_down(void **state)
{
    char left[96];

    (void)state;
    keys_close(keys);
    ward_db_close(db);
    ward_arena_done(&mem);
    unlink(file);
    snprintf(left, sizeof(left), "%s/hint", dir);
    unlink(left);
    rmdir(snaps);
    unlink(kek);
    rmdir(dir);
    return 0;
}

int clean(void **state)
{
    (void)state;
    err = (struct ward_err){0};
    it_sql(db, "DELETE FROM gallery_member");
    it_sql(db, "DELETE FROM gallery_change");
    it_sql(db, "DELETE FROM template");
    it_sql(db, "DELETE FROM consent_entry");
    it_sql(db, "DELETE FROM face_key");
    it_sql(db, "DELETE FROM subject");
    unlink(file);
    return 0;
}

int stop(void **state)
{
    (void)state;
    close_both();
    return 0;
}
