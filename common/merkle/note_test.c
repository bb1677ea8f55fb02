#include "common/merkle/keys.h"
#include "common/merkle/note.h"

#include "common/base/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* Source: golang.org/x/mod/sumdb/note, note_test.go (the signed-note reference implementation):
 * its key pair, text and signature; checked 2026-11-21. */
#define PETER "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
#define PETER_TEXT                                                                             \
    "If you think cryptography is the answer to your problem,\n"                               \
    "then you don't know what your problem is.\n"
#define PETER_SIG                                                                              \
    "\xe2\x80\x94 PeterNeumann "                                                               \
    "x08go/ZJkuBS9UG/"                                                                         \
    "SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJn"                \
    "AM=\n"
#define PETER_NOTE PETER_TEXT "\n" PETER_SIG

#define LOG "ward.test/audit"

static struct ward_signer signer(int i)
{
    uint8_t seed[WARD_ED25519_SEED] = {0};
    struct ward_sign_key *key;
    struct ward_signer s;

    seed[0] = (uint8_t)i;
    assert_int_equal(ward_sign_key_new(seed, &key, NULL), WARD_OK);
    assert_int_equal(ward_vkey_make(LOG, ward_sign_key_public(key), &s.vkey, NULL), WARD_OK);
    s.key = key;
    return s;
}

static void drop(struct ward_signer *s)
{
    ward_sign_key_free((struct ward_sign_key *)(uintptr_t)s->key);
}

static struct ward_vkey peter(void)
{
    struct ward_vkey key;

    assert_int_equal(ward_vkey_parse(PETER, strlen(PETER), &key, NULL), WARD_OK);
    return key;
}

static void the_published_key_and_note_check(void **state)
{
    struct ward_vkey key = peter();
    struct ward_note note;
    char back[WARD_VKEY_MAX];

    (void)state;
    ward_vkey_print(&key, back);
    assert_string_equal(back, PETER);
    assert_int_equal(ward_note_parse(PETER_NOTE, strlen(PETER_NOTE), &note, NULL), WARD_OK);
    assert_int_equal(note.len, strlen(PETER_TEXT));
    assert_int_equal(ward_note_check(&note, &key, NULL), WARD_OK);
}

static void the_published_private_key_makes_the_published_note(void **state)
{
    /* "AYEKFALV...": the type byte 0x01 and the seed. */
    static const char TYPED[] = "AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz";
    uint8_t typed[33];
    struct ward_sign_key *key;
    struct ward_signer s = {.vkey = peter()};
    char out[WARD_NOTE_MAX];
    size_t n;

    (void)state;
    assert_true(ward_unbase64(TYPED, strlen(TYPED), typed, sizeof(typed), &n));
    assert_int_equal(n, 33);
    assert_int_equal(ward_sign_key_new(typed + 1, &key, NULL), WARD_OK);
    s.key = key;
    assert_int_equal(ward_note_sign(PETER_TEXT, strlen(PETER_TEXT), &s, 1, out, &n, NULL),
                     WARD_OK);
    assert_int_equal(n, strlen(PETER_NOTE));
    assert_memory_equal(out, PETER_NOTE, n);
    ward_sign_key_free(key);
}

static void no_part_of_a_key_and_no_altered_key_is_a_key(void **state)
{
    char text[] = PETER;
    struct ward_vkey key;
    const size_t n = strlen(text);

    (void)state;
    for (size_t i = 0; i <= n; i++)
        for (size_t j = i; j <= n; j++)
            if (j - i != n)
                assert_int_equal(ward_vkey_parse(text + i, j - i, &key, NULL),
                                 WARD_INVALID_ARGUMENT);
    for (size_t i = 0; i < n; i++) {
        text[i]++;
        assert_int_equal(ward_vkey_parse(text, n, &key, NULL), WARD_INVALID_ARGUMENT);
        text[i]--;
    }
    assert_int_equal(ward_vkey_parse(text, n, &key, NULL), WARD_OK);
}

static void a_note_with_one_byte_changed_does_not_check(void **state)
{
    char text[] = PETER_NOTE;
    struct ward_vkey key = peter();
    struct ward_note note;

    (void)state;
    for (size_t i = 0; i < strlen(PETER_NOTE); i++) {
        text[i] ^= 1;
        assert_true(ward_note_parse(text, strlen(PETER_NOTE), &note, NULL) != WARD_OK ||
                    ward_note_check(&note, &key, NULL) != WARD_OK);
        text[i] ^= 1;
    }
}

static void what_is_not_a_note_is_refused(void **state)
{
    static const char *const BAD[] = {
        "",
        "\n",
        "text\n",
        "text\n\n",
        PETER_SIG,
        "\n\n" PETER_SIG "trailing",
        PETER_TEXT PETER_SIG,
        PETER_TEXT "\n" PETER_SIG "not a signature\n",
        PETER_TEXT "\n\xe2\x80\x94 PeterNeumann \n",
        PETER_TEXT "\n\xe2\x80\x94 Peter+Neumann x08go/ZJ\n",
        PETER_TEXT "\n\xe2\x80\x94 PeterNeumann x08g\n",
        PETER_TEXT "\n\xe2\x80\x94 PeterNeumann x08go/ZJ=\n",
        "tab\there\n\n" PETER_SIG,
        PETER_TEXT "\n" PETER_SIG PETER_SIG PETER_SIG PETER_SIG PETER_SIG PETER_SIG PETER_SIG
            PETER_SIG PETER_SIG,
    };
    struct ward_note note;
    struct ward_err err = {0};

    (void)state;
    for (size_t i = 0; i < WARD_COUNT(BAD); i++)
        assert_int_equal(ward_note_parse(BAD[i], strlen(BAD[i]), &note, &err),
                         WARD_INVALID_ARGUMENT);
}

static void a_checkpoint_comes_back_as_it_was_signed(void **state)
{
    struct ward_signer s[2] = {signer(1), signer(2)};
    struct ward_checkpoint cp = {.origin = LOG, .size = 20852163, .hands_over = true}, back;
    struct ward_note note;
    char out[WARD_NOTE_MAX];
    size_t n;

    (void)state;
    cp.next = s[1].vkey;
    memset(cp.root.b, 0x5a, sizeof(cp.root));
    assert_int_equal(ward_checkpoint_sign(&cp, s, 2, out, &n, NULL), WARD_OK);
    assert_int_equal(ward_note_parse(out, n, &note, NULL), WARD_OK);
    assert_int_equal(note.n, 2);
    for (int i = 0; i < 2; i++)
        assert_int_equal(ward_note_check(&note, &s[i].vkey, NULL), WARD_OK);
    assert_int_equal(ward_checkpoint_parse(&note, &back, NULL), WARD_OK);
    assert_memory_equal(&back, &cp, sizeof(cp));
    drop(&s[0]);
    drop(&s[1]);
}

static void what_is_not_a_checkpoint_is_refused(void **state)
{
#define ROOT "WlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlo="
    static const char *const BAD[] = {
        "\n1\n" ROOT "\n",
        LOG "\n",
        LOG "\n01\n" ROOT "\n",
        LOG "\n-1\n" ROOT "\n",
        LOG "\n1 \n" ROOT "\n",
        LOG "\n9223372036854775807\n" ROOT "\n",
        LOG "\n1\n" ROOT "=\n",
        LOG "\n1\nWlpa\n",
        LOG "\n1\n" ROOT "\nnext-key nonsense\n",
        LOG "\n1\n" ROOT "\nnext-key " PETER "\nnext-key " PETER "\n",
        LOG "\n1\n" ROOT "\nextension\n\nanother\n",
    };
    struct ward_signer s = signer(1);
    struct ward_checkpoint cp;

    (void)state;
    for (size_t i = 0; i < WARD_COUNT(BAD); i++) {
        struct ward_note note;
        char out[WARD_NOTE_MAX];
        size_t n;

        assert_int_equal(ward_note_sign(BAD[i], strlen(BAD[i]), &s, 1, out, &n, NULL), WARD_OK);
        assert_int_equal(ward_note_parse(out, n, &note, NULL), WARD_OK);
        assert_int_equal(ward_checkpoint_parse(&note, &cp, NULL), WARD_INVALID_ARGUMENT);
    }
    drop(&s);
}

struct head {
    char text[WARD_NOTE_MAX];
    size_t n;
};

static struct head head_of(const char *origin, uint64_t size, const struct ward_signer *by,
                           int n, const struct ward_vkey *next)
{
    struct ward_checkpoint cp = {.size = size};
    struct head h;

    snprintf(cp.origin, sizeof(cp.origin), "%s", origin);
    if (next != NULL) {
        cp.hands_over = true;
        cp.next = *next;
    }
    ward_sha256(&size, sizeof(size), cp.root.b);
    assert_int_equal(ward_checkpoint_sign(&cp, by, n, h.text, &h.n, NULL), WARD_OK);
    return h;
}

static struct head head(uint64_t size, const struct ward_signer *by, int n,
                        const struct ward_vkey *next)
{
    return head_of(LOG, size, by, n, next);
}

static enum ward_code follow(struct ward_log_keys *k, const struct head *h)
{
    return ward_log_keys_follow(k, h->text, h->n, NULL);
}

static enum ward_code check(struct ward_log_keys *k, const struct head *h)
{
    return ward_log_keys_check(k, h->text, h->n, NULL, NULL);
}

static void a_chain_of_keys_is_followed_from_the_pinned_one(void **state)
{
    struct ward_signer s[3] = {signer(1), signer(2), signer(3)};
    struct head over1 = head(10, s, 2, &s[1].vkey), over2 = head(20, s + 1, 2, &s[2].vkey);
    struct head h5 = head(5, s, 1, NULL), h15 = head(15, s + 1, 1, NULL),
                h25 = head(25, s + 2, 1, NULL), late = head(25, s, 1, NULL);
    static struct ward_log_keys k;

    (void)state;
    ward_log_keys_pin(&k, &s[0].vkey);
    assert_int_equal(check(&k, &h5), WARD_OK);
    assert_int_equal(check(&k, &h25), WARD_FAILED_PRECONDITION);
    assert_int_equal(follow(&k, &over1), WARD_OK);
    assert_int_equal(follow(&k, &over2), WARD_OK);
    assert_int_equal(follow(&k, &over1), WARD_OK); /* repeated, as by another file */
    assert_int_equal(k.n, 3);
    assert_int_equal(check(&k, &h5), WARD_OK);
    assert_int_equal(check(&k, &over1), WARD_OK);
    assert_int_equal(check(&k, &h15), WARD_OK);
    assert_int_equal(check(&k, &h25), WARD_OK);
    assert_int_equal(check(&k, &late),
                     WARD_FAILED_PRECONDITION); /* the old key is no longer valid */
    ward_log_keys_pin(&k, &s[1].vkey); /* pinned in the middle: earlier rotations are skipped */
    assert_int_equal(follow(&k, &over1), WARD_OK);
    assert_int_equal(follow(&k, &over2), WARD_OK);
    assert_int_equal(follow(&k, &over1), WARD_OK); /* another file repeats both rotations */
    assert_int_equal(follow(&k, &over2), WARD_OK);
    assert_int_equal(k.n, 2);
    ward_log_keys_pin(&k, &s[2].vkey);
    assert_int_equal(follow(&k, &over1), WARD_OK);
    assert_int_equal(follow(&k, &over2), WARD_OK);
    assert_int_equal(k.n, 1);
    assert_int_equal(check(&k, &h25), WARD_OK);
    ward_log_keys_pin(&k, &s[1].vkey);
    assert_int_equal(follow(&k, &over2), WARD_OK);
    assert_int_equal(check(&k, &h25), WARD_OK);
    for (int i = 0; i < 3; i++)
        drop(&s[i]);
}

static void a_handover_that_the_old_key_did_not_sign_leads_nowhere(void **state)
{
    struct ward_signer s[3] = {signer(1), signer(2), signer(3)};
    struct head over = head(10, s, 2, &s[1].vkey), forged = head(20, s + 2, 1, &s[2].vkey);
    struct head plain = head(10, s, 1, NULL), alone = head(20, s + 1, 1, &s[2].vkey);
    struct head back = head(10, s + 1, 2, &s[2].vkey), h25 = head(25, s + 2, 1, NULL);
    static struct ward_log_keys k;

    (void)state;
    ward_log_keys_pin(&k, &s[0].vkey);
    assert_int_equal(follow(&k, &plain), WARD_FAILED_PRECONDITION);
    /* Skipped, because the pinned key did not sign. */
    assert_int_equal(follow(&k, &forged), WARD_OK);
    assert_int_equal(k.n, 1);
    assert_int_equal(check(&k, &h25), WARD_FAILED_PRECONDITION);
    assert_int_equal(follow(&k, &over), WARD_OK);
    assert_int_equal(follow(&k, &forged), WARD_FAILED_PRECONDITION);
    /* The new key did not sign. */
    assert_int_equal(follow(&k, &alone), WARD_FAILED_PRECONDITION);
    assert_int_equal(follow(&k, &back), WARD_FAILED_PRECONDITION);
    assert_int_equal(k.n, 2);
    for (int i = 0; i < 3; i++)
        drop(&s[i]);
}

static void another_logs_head_is_refused_though_the_right_key_signed_it(void **state)
{
    struct ward_signer s[2] = {signer(1), signer(2)};
    struct head other = head_of("ward.test/other", 5, s, 1, NULL);
    struct head over = head_of("ward.test/other", 10, s, 2, &s[1].vkey);
    static struct ward_log_keys k;

    (void)state;
    ward_log_keys_pin(&k, &s[0].vkey);
    assert_int_equal(check(&k, &other), WARD_FAILED_PRECONDITION);
    assert_int_equal(follow(&k, &over), WARD_FAILED_PRECONDITION);
    assert_int_equal(k.n, 1);
    drop(&s[0]);
    drop(&s[1]);
}

static void a_name_that_could_be_misread_is_refused(void **state)
{
    static const char *const BAD[] = {"",      "two words", "a+b",
                                      "tab\t", "new\nline", "caf\xc3\xa9"};
    uint8_t pub[WARD_ED25519_PUB] = {0};
    char longest[WARD_NAME_MAX + 2];
    struct ward_vkey key;

    (void)state;
    for (size_t i = 0; i < WARD_COUNT(BAD); i++)
        assert_int_equal(ward_vkey_make(BAD[i], pub, &key, NULL), WARD_INVALID_ARGUMENT);
    memset(longest, 'x', sizeof(longest));
    longest[WARD_NAME_MAX + 1] = '\0';
    assert_int_equal(ward_vkey_make(longest, pub, &key, NULL), WARD_INVALID_ARGUMENT);
    longest[WARD_NAME_MAX] = '\0';
    assert_int_equal(ward_vkey_make(longest, pub, &key, NULL), WARD_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_published_key_and_note_check),
        cmocka_unit_test(the_published_private_key_makes_the_published_note),
        cmocka_unit_test(no_part_of_a_key_and_no_altered_key_is_a_key),
        cmocka_unit_test(a_note_with_one_byte_changed_does_not_check),
        cmocka_unit_test(what_is_not_a_note_is_refused),
        cmocka_unit_test(a_checkpoint_comes_back_as_it_was_signed),
        cmocka_unit_test(what_is_not_a_checkpoint_is_refused),
        cmocka_unit_test(a_chain_of_keys_is_followed_from_the_pinned_one),
        cmocka_unit_test(a_handover_that_the_old_key_did_not_sign_leads_nowhere),
        cmocka_unit_test(another_logs_head_is_refused_though_the_right_key_signed_it),
        cmocka_unit_test(a_name_that_could_be_misread_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
