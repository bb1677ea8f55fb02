/* Snapshots of the galleries: whole, damaged, half ended, and under searches. */
#include "tests/integration/gallery_it.h"

#include "services/identity/gallery/snapshot_file.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>

static struct person people[300];

static void snapshot_of_many(void)
{
    for (int i = 0; i < 300; i++) {
        people[i] = someone(i % 3 == 0 ? SUBJECT_STAFF : SUBJECT_PATIENT);
        put(&people[i]);
    }
    join(&people[5], "clinic/eye");
    g = open_with(snaps, "", "");
    wait_snapshot(g);
    for (int i = 0; i < 300; i += 11) /* their exact vectors now lie in the file */
        assert_true(finds(g, "all", &people[i]));
    close_both();
}

/* So that whoever is found after it can only come from the snapshot. */
static void empty_the_tables(void)
{
    it_sql(db, "DELETE FROM template");
}

static void a_start_by_the_snapshot_finds_everyone(void **state)
{
    (void)state;
    snapshot_of_many();
    empty_the_tables();
    g = open_with(snaps, "", "");
    wait_ready(g);
    for (int i = 0; i < 300; i++)
        assert_true(
            finds(g, people[i].kind == SUBJECT_STAFF ? "staff" : "patients", &people[i]));
    assert_true(finds(g, "clinic/eye", &people[5]));
    assert_false(finds(g, "clinic/eye", &people[6]));
}

static void the_file_is_its_owners_alone(void **state)
{
    struct stat st;

    (void)state;
    snapshot_of_many();
    assert_int_equal(stat(file, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(stat(snaps, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
}

static void changes_since_the_snapshot_are_followed(void **state)
{
    struct person late = someone(SUBJECT_PATIENT);

    (void)state;
    snapshot_of_many();
    enrol(&late);
    run("DELETE FROM template WHERE subject_id = ?", WARD_PARAMS(id_of(people[1].id)));
    tell(&people[1]);
    g = open_with(snaps, "", "");
    wait_level(g);
    assert_true(finds(g, "all", &late));
    assert_false(finds(g, "all", &people[1]));
    assert_true(finds(g, "all", &people[2]));
    wait_snapshot(g); /* a second one replaces the first under searches */
    assert_true(finds(g, "all", &late));
    assert_true(finds(g, "all", &people[2]));
}

static void a_bucket_whose_key_has_ended_is_read_from_the_database(void **state)
{
    struct person *gone = &people[10], *same = NULL;

    (void)state;
    snapshot_of_many();
    for (int i = 0; i < 300 && same == NULL; i++)
        if (i != 10 && keys_bucket_of(people[i].id) == keys_bucket_of(gone->id))
            same = &people[i];
    erase(gone);
    /* Even a log without that change cannot bring the erased one back from the file. */
    it_sql(db, "UPDATE gallery_change SET subject_id = REPEAT('x', 16)"
               " WHERE seq = (SELECT seq FROM gallery_head)");
    g = open_with(snaps, "", "");
    wait_level(g);
    assert_false(finds(g, "all", gone));
    if (same != NULL)
        assert_true(finds(g, "all", same));
    assert_true(finds(g, "all", &people[11]));
}

static void patch(off_t at, const void *bytes, size_t n)
{
    int fd = open(file, O_WRONLY | O_CLOEXEC);

    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, bytes, n, at), (ssize_t)n);
    close(fd);
}

static off_t size_of_file(void)
{
    struct stat st;

    assert_int_equal(stat(file, &st), 0);
    return st.st_size;
}

/* The snapshot must not be used: people[0] is no longer in the tables, all others are. */
static void is_not_used(void)
{
    run("DELETE FROM template WHERE subject_id = ?", WARD_PARAMS(id_of(people[0].id)));
    g = open_with(snaps, "", "");
    wait_ready(g);
    assert_false(finds(g, "all", &people[0]));
    assert_true(finds(g, "all", &people[1]));
    assert_int_equal(state_of(g).subjects[1] + state_of(g).subjects[2], 299);
}

static void a_head_that_is_damaged_is_not_believed(void **state)
{
    (void)state;
    snapshot_of_many();
    patch(200, "xx", 2);
    is_not_used();
}

static void a_bucket_that_is_damaged_is_not_believed(void **state)
{
    (void)state;
    snapshot_of_many();
    patch(12288 + 50, "damage", 6); /* behind the head */
    is_not_used();
}

static void a_file_that_is_cut_is_not_believed(void **state)
{
    (void)state;
    snapshot_of_many();
    assert_int_equal(truncate(file, size_of_file() / 2), 0);
    is_not_used();
}

static void an_older_format_is_not_believed(void **state)
{
    uint32_t version = 0;

    (void)state;
    snapshot_of_many();
    patch(8, &version, sizeof(version));
    is_not_used();
}

static void an_empty_file_and_one_of_noise_are_not_believed(void **state)
{
    uint8_t noise[20000];

    (void)state;
    snapshot_of_many();
    assert_int_equal(truncate(file, 0), 0);
    is_not_used();
    close_both();
    ward_random(noise, sizeof(noise));
    assert_int_equal(truncate(file, 0), 0);
    patch(0, noise, sizeof(noise));
    g = open_with(snaps, "", "");
    wait_ready(g);
    assert_true(finds(g, "all", &people[1]));
}

/* Its buckets have keys of the same numbers, and other ones. */
static void another_databases_snapshot_is_not_believed(void **state)
{
    (void)state;
    snapshot_of_many();
    it_sql(db, "DELETE FROM secret WHERE use_name = 'bucket'");
    keys_close(keys);
    open_keys();
    is_not_used();
}

static void a_vector_found_damaged_later_is_read_from_the_database(void **state)
{
    uint8_t noise[4096];
    off_t end;

    (void)state;
    snapshot_of_many();
    g = open_with(snaps, "", "");
    wait_ready(g);
    memset(noise, 0x5a, sizeof(noise));
    end = size_of_file();
    for (off_t at = 12288; at + 4096 <= end; at += 4096)
        patch(at, noise, sizeof(noise));
    for (int64_t since = ward_mono_ns();;) {
        struct gallery_found f = {.n = 0};
        enum ward_code code = search(g, "all", people[3].face, &f);

        if (code == WARD_OK && f.n > 0)
            break;
        it_expect(code, WARD_UNAVAILABLE, &err); /* never NO: "we do not know now" */
        assert_string_equal(err.reason, "GALLERY_LOADING");
        assert_true(in_time(since));
    }
    for (int i = 0; i < 300; i += 13)
        assert_true(finds(g, "all", &people[i]));
}

static void a_file_half_written_is_no_snapshot_and_no_hindrance(void **state)
{
    char half[112];
    struct stat st;
    int fd;

    (void)state;
    snapshot_of_many();
    assert_int_equal(truncate(file, size_of_file() / 2), 0);
    snprintf(half, sizeof(half), "%s.new", file);
    assert_int_equal(rename(file, half), 0);
    g = open_with(snaps, "", "");
    wait_snapshot(g);
    assert_int_equal(state_of(g).subjects[1] + state_of(g).subjects[2], 300);
    assert_int_equal(stat(half, &st), -1);
    close_both();
    fd = open(half, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600); /* beside a whole one */
    assert_true(fd >= 0);
    close(fd);
    empty_the_tables();
    g = open_with(snaps, "", "");
    wait_ready(g);
    for (int i = 0; i < 300; i += 7)
        assert_true(finds(g, "all", &people[i]));
    unlink(half);
}

/* ---- between an erasure and the change that tells of it ---- */

/* What the file has of a bucket; `living`: under the key that the tables have now. */
static uint32_t rows_of(int bucket, bool *living)
{
    struct file_head h = {.n_spaces = 0};
    char sql[128];
    int fd = open(file, O_RDONLY | O_CLOEXEC);

    *living = false;
    if (fd < 0)
        return 0;
    assert_int_equal(read(fd, &h, sizeof(h)), (ssize_t)sizeof(h));
    close(fd);
    snprintf(sql, sizeof(sql),
             "SELECT MAX(generation) FROM secret WHERE use_name = 'bucket' AND kind = %d",
             bucket);
    *living = h.bucket[bucket].generation == it_count(db, sql);
    return h.bucket[bucket].rows;
}

static void *keep_changes(void *arg)
{
    it_sql(arg, "LOCK TABLES gallery_change WRITE");
    return NULL;
}

/* Until a connection waits for a table's lock: its number. */
static int64_t waiting(struct ward_db *on)
{
    int64_t id = 0;

    for (int64_t since = ward_mono_ns(); id == 0; assert_true(in_time(since)))
        id = it_count(on, "SELECT COALESCE(MAX(id), 0) FROM information_schema.processlist"
                          " WHERE state LIKE 'Waiting for table metadata lock%'");
    return id;
}

struct kept {
    struct person p;
    struct ward_db *keeper, *onlooker;
    pthread_t thread;
};

/* The keeper waits for the log of changes before this commits, so it comes before the follower.
 */
static enum ward_code erase_kept_in_tx(struct ward_db *on, void *arg, struct ward_err *e)
{
    struct kept *k = arg;
    bool had = false;

    WARD_TRY(face_forget(keys, on, &mem, k->p.id, 7, &had, e));
    WARD_TRY(gallery_changed(g, on, &mem, k->p.id, e));
    assert_int_equal(pthread_create(&k->thread, NULL, keep_changes, k->keeper), 0);
    waiting(k->onlooker);
    return WARD_OK;
}

static void the_erased_are_in_no_file_under_a_living_key(void **state)
{
    struct kept k = {someone(SUBJECT_PATIENT), it_open(), it_open(), 0};
    int bucket = keys_bucket_of(k.p.id);
    bool living = false;

    (void)state;
    put(&k.p);
    g = open_with(snaps, "", "");
    wait_ready(g);
    it_expect(ward_db_tx(db, erase_kept_in_tx, &k, &err), WARD_OK, &err);
    pthread_join(k.thread, NULL);
    it_expect(ward_keyring_follow(keys_ring(keys), db, &err), WARD_OK, &err);
    for (int i = 0; i < 300; i++) { /* the writer looks every second */
        assert_true(rows_of(bucket, &living) == 0 || !living);
        usleep(10000);
    }
    assert_true(finds(g, "all", &k.p)); /* so the follower is still kept */
    ward_db_close(k.keeper);
    ward_db_close(k.onlooker);
    wait_snapshot(g);
    assert_int_equal(rows_of(bucket, &living), 0);
}

static int mapped(void)
{
    FILE *f = fopen("/proc/self/maps", "re");
    char line[512];
    int n = 0;

    assert_non_null(f);
    while (fgets(line, sizeof(line), f) != NULL)
        n += strstr(line, file) != NULL;
    fclose(f);
    return n;
}

/* Whoever waits for a table's lock loses the connection. */
static void cut_the_waiting(struct ward_db *on)
{
    char sql[64];

    snprintf(sql, sizeof(sql), "KILL %lld", (long long)waiting(on));
    it_sql(on, sql);
}

static void a_start_cut_after_its_file_was_read_begins_again_whole(void **state)
{
    struct ward_db *keeper = it_open();

    (void)state;
    snapshot_of_many();
    it_sql(keeper, "LOCK TABLES gallery_member WRITE");
    g = open_with(snaps, "", "");
    cut_the_waiting(keeper);
    it_sql(keeper, "UNLOCK TABLES");
    ward_db_close(keeper);
    wait_ready(g);
    for (int i = 0; i < 300; i += 7)
        assert_true(finds(g, "all", &people[i]));
    assert_true(mapped() <= 1);
    close_both();
    assert_int_equal(mapped(), 0);
}

static void a_folder_open_to_others_is_refused(void **state)
{
    struct gallery_config cfg = {
        .dir = dir, .hint_listen = "", .hint_peers = "", .model = {MODEL, ""}, .dim = {DIM, 0}};

    (void)state;
    assert_int_equal(chmod(dir, 0755), 0);
    it_expect(gallery_open(&cfg, keys, &it_cfg, &g, &err), WARD_FAILED_PRECONDITION, &err);
    assert_int_equal(chmod(dir, 0700), 0);
    g = NULL;
}

/* ---- all at once ---- */

static atomic_bool over;

/* Rows come, change and go, and numbers are used again: whoever is answered has that score. */
static void *search_on(void *arg)
{
    struct ward_db *mine = it_open();
    struct ward_arena room;
    int n = 0;

    ward_arena_init(&room, (size_t)32 << 20);
    for (; !atomic_load(&over); n++) {
        struct gallery_found f = {.n = 0};
        struct person *p = &people[n % 300];
        struct ward_err why = {0};

        it_expect(gallery_search(g, mine, "all", 0, p->face, 3, NULL, NULL, &room, &f, &why),
                  WARD_OK, &why);
        for (int i = 0; i < f.n; i++) {
            if (f.hit[i].score > 0.99)
                assert_memory_equal(f.hit[i].subject_id, p->id, KEYS_ID);
            for (int k = 0; k < i; k++)
                assert_memory_not_equal(f.hit[i].subject_id, f.hit[k].subject_id, KEYS_ID);
        }
        ward_arena_reset(&room);
    }
    ward_arena_done(&room);
    ward_db_close(mine);
    *(int *)arg = n;
    return NULL;
}

static void searches_are_right_while_everything_changes(void **state)
{
    pthread_t thread;
    int searches = 0;

    (void)state;
    for (int i = 0; i < 300; i++) {
        people[i] = someone(SUBJECT_PATIENT);
        put(&people[i]);
    }
    g = open_with(snaps, "", "");
    wait_ready(g);
    atomic_store(&over, false);
    assert_int_equal(pthread_create(&thread, NULL, search_on, &searches), 0);
    for (int i = 0; i < 200; i++) {
        struct person *p = &people[i];

        if (i % 2 == 0)
            erase(p);
        else
            tell(p); /* read again, the same */
    }
    wait_snapshot(g);
    atomic_store(&over, true);
    pthread_join(thread, NULL);
    assert_true(searches > 0);
    for (int i = 0; i < 300; i++)
        assert_int_equal(finds(g, "all", &people[i]), i >= 200 || i % 2 == 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_start_by_the_snapshot_finds_everyone),
        TEST(the_file_is_its_owners_alone),
        TEST(changes_since_the_snapshot_are_followed),
        TEST(a_bucket_whose_key_has_ended_is_read_from_the_database),
        TEST(a_head_that_is_damaged_is_not_believed),
        TEST(a_bucket_that_is_damaged_is_not_believed),
        TEST(a_file_that_is_cut_is_not_believed),
        TEST(an_older_format_is_not_believed),
        TEST(an_empty_file_and_one_of_noise_are_not_believed),
        TEST(another_databases_snapshot_is_not_believed),
        TEST(a_vector_found_damaged_later_is_read_from_the_database),
        TEST(a_file_half_written_is_no_snapshot_and_no_hindrance),
        TEST(the_erased_are_in_no_file_under_a_living_key),
        TEST(a_start_cut_after_its_file_was_read_begins_again_whole),
        TEST(a_folder_open_to_others_is_refused),
        TEST(searches_are_right_while_everything_changes),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
