/* What an auditor is handed by others: signed notes, checkpoints, verifier keys, leaves, and
 * the JSON of receipts, exports and heads. The first byte says which. A note that parses is
 * held against the rules it promises; so is a leaf.
 *   links: cli
 *   max_len: 16384 */
#include "cli/audit/audit_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ARENA_CAP ((size_t)4 << 20)

enum shape { NOTE, VKEY, LEAF, RECEIPT, HEADER, ENTRY, HEAD, KEYS, N_SHAPES };

static struct ward_signer signer;

static void check(bool ok, const char *what)
{
    if (ok)
        return;
    fprintf(stderr, "%s\n", what);
    abort();
}

static void begin(void)
{
    const uint8_t seed[WARD_ED25519_SEED] = {7};
    struct ward_sign_key *key;

    check(ward_sign_key_new(seed, &key, NULL) == WARD_OK, "key");
    check(ward_vkey_make("fuzz/log", ward_sign_key_public(key), &signer.vkey, NULL) == WARD_OK,
          "vkey");
    signer.key = key;
}

/* Text that is a checkpoint's stays one when it is signed, and says the same. */
static void note(const char *p, size_t n)
{
    static char out[WARD_NOTE_MAX];
    struct ward_checkpoint cp, back;
    struct ward_note parsed;
    size_t len;

    if (ward_note_parse(p, n, &parsed, NULL) != WARD_OK)
        return;
    check(parsed.len < n && parsed.text == p && parsed.n > 0 && parsed.n <= WARD_NOTE_SIGS,
          "a note outside its text");
    (void)!ward_note_check(&parsed, &signer.vkey, NULL);
    memset(&cp, 0, sizeof(cp));
    if (ward_checkpoint_parse(&parsed, &cp, NULL) != WARD_OK)
        return;
    if (ward_checkpoint_sign(&cp, &signer, 1, out, &len, NULL) != WARD_OK)
        return;
    check(ward_note_parse(out, len, &parsed, NULL) == WARD_OK, "what was signed is no note");
    check(ward_note_check(&parsed, &signer.vkey, NULL) == WARD_OK, "a signature of ours");
    check(ward_checkpoint_parse(&parsed, &back, NULL) == WARD_OK, "no checkpoint");
    check(back.size == cp.size && ward_hash_equal(&back.root, &cp.root) &&
              strcmp(back.origin, cp.origin) == 0 && back.hands_over == cp.hands_over,
          "another checkpoint");
}

static void vkey(const char *p, size_t n)
{
    char text[WARD_VKEY_MAX];
    struct ward_vkey key;

    if (ward_vkey_parse(p, n, &key, NULL) != WARD_OK)
        return;
    ward_vkey_print(&key, text);
    check(strlen(text) == n && memcmp(text, p, n) == 0, "a key that prints otherwise");
}

static void leaf(const uint8_t *p, size_t n)
{
    uint8_t bytes[WARD_LEAF_MAX];
    struct ward_leaf l;

    if (ward_leaf_parse(p, n, &l))
        check(ward_leaf_pack(&l, bytes) == n && memcmp(bytes, p, n) == 0, "another leaf");
}

static void keys(const char *p, size_t n)
{
    static struct ward_log_keys k;

    ward_log_keys_pin(&k, &signer.vkey);
    (void)!ward_log_keys_follow(&k, p, n, NULL);
    (void)!ward_log_keys_check(&k, p, n, NULL, NULL);
    check(k.n == 1 || k.n == 2, "a chain of more than it was given");
}

static void file(enum shape shape, const uint8_t *p, size_t n)
{
    struct ward_arena mem;
    struct ward_err err;
    struct file_receipt r;
    struct file_header h;
    struct file_entry e;
    struct file_head head;
    char *text;

    ward_arena_init(&mem, ARENA_CAP);
    text = ward_alloc(&mem, n + 1);
    memcpy(text, p, n);
    if (shape == RECEIPT && file_receipt_parse(text, &mem, &r, &err) == WARD_OK)
        check(r.n_proof <= WARD_PROOF_MAX && r.handovers.n <= WARD_KEYS_MAX, "receipt");
    if (shape == HEADER && file_header_parse(text, &mem, &h, &err) == WARD_OK)
        check(h.handovers.n <= WARD_KEYS_MAX, "header");
    if (shape == ENTRY && file_entry_parse(text, &mem, &e, &err) == WARD_OK)
        check(e.leaf.p != NULL, "entry");
    if (shape == HEAD && file_head_parse(text, &mem, &head, &err) == WARD_OK)
        check(head.n_proof <= WARD_PROOF_MAX, "head");
    ward_arena_done(&mem);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum shape shape;

    if (signer.key == NULL)
        begin();
    if (size == 0)
        return 0;
    shape = (enum shape)(data[0] % N_SHAPES);
    data++, size--;
    if (shape == NOTE)
        note((const char *)data, size);
    else if (shape == VKEY)
        vkey((const char *)data, size);
    else if (shape == LEAF)
        leaf(data, size);
    else if (shape == KEYS)
        keys((const char *)data, size);
    else
        file(shape, data, size);
    return 0;
}
