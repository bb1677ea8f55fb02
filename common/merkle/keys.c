#include "common/merkle/keys.h"

#include <string.h>

void ward_log_keys_pin(struct ward_log_keys *keys, const struct ward_vkey *pinned)
{
    *keys = (struct ward_log_keys){.n = 1};
    keys->at[0].key = *pinned;
}

/* A rotation from before the pinned key: to the pinned key, or between older keys. */
static bool precedes(const struct ward_log_keys *keys, const struct ward_note *note,
                     const struct ward_checkpoint *cp)
{
    if (ward_vkey_equal(&cp->next, &keys->at[0].key))
        return true;
    return (keys->n == 1 || cp->size < keys->at[0].last_size) &&
           ward_note_check(note, &keys->at[0].key, NULL) != WARD_OK;
}

/* A rotation that was already processed, repeated by another file. */
static bool known(const struct ward_log_keys *keys, const struct ward_checkpoint *cp)
{
    for (int i = 0; i + 1 < keys->n; i++)
        if (keys->at[i].last_size == cp->size &&
            ward_hash_equal(&keys->at[i].root, &cp->root) &&
            ward_vkey_equal(&keys->at[i + 1].key, &cp->next))
            return true;
    return false;
}

enum ward_code ward_log_keys_follow(struct ward_log_keys *keys, const char *text, size_t len,
                                    struct ward_err *err)
{
    const int last = keys->n - 1;
    struct ward_note note;
    struct ward_checkpoint cp;

    WARD_TRY(ward_note_parse(text, len, &note, err));
    WARD_TRY(ward_checkpoint_parse(&note, &cp, err));
    if (!cp.hands_over)
        return WARD_FAIL(err, FAILED_PRECONDITION,
                         "the key rotation does not name the next key");
    if (known(keys, &cp) || precedes(keys, &note, &cp))
        return WARD_OK;
    if (keys->n == WARD_KEYS_MAX)
        return WARD_FAIL(err, FAILED_PRECONDITION, "more than %d keys", WARD_KEYS_MAX);
    if (strcmp(cp.origin, keys->at[last].key.name) != 0 ||
        strcmp(cp.next.name, keys->at[last].key.name) != 0)
        return WARD_FAIL(err, FAILED_PRECONDITION, "the key rotation belongs to another log");
    WARD_TRY(ward_note_check(&note, &keys->at[last].key, err));
    WARD_TRY(ward_note_check(&note, &cp.next, err));
    if (last > 0 && cp.size <= keys->at[last - 1].last_size)
        return WARD_FAIL(err, FAILED_PRECONDITION, "the sizes of the key rotations decrease");
    for (int i = 0; i < keys->n; i++)
        if (ward_vkey_equal(&keys->at[i].key, &cp.next))
            return WARD_FAIL(err, FAILED_PRECONDITION, "a key rotation names an earlier key");
    keys->at[last].ended = true;
    keys->at[last].last_size = cp.size;
    keys->at[last].root = cp.root;
    keys->at[keys->n++].key = cp.next;
    return WARD_OK;
}

enum ward_code ward_log_keys_check(const struct ward_log_keys *keys, const char *text,
                                   size_t len, struct ward_checkpoint *out,
                                   struct ward_err *err)
{
    struct ward_note note;
    struct ward_checkpoint cp;
    int i = 0;

    WARD_TRY(ward_note_parse(text, len, &note, err));
    WARD_TRY(ward_checkpoint_parse(&note, &cp, err));
    if (strcmp(cp.origin, keys->at[0].key.name) != 0)
        return WARD_FAIL(err, FAILED_PRECONDITION, "the head belongs to another log");
    while (keys->at[i].ended && cp.size > keys->at[i].last_size)
        i++;
    if (ward_note_check(&note, &keys->at[i].key, err) != WARD_OK) {
        for (int k = 0; k < i; k++)
            if (ward_note_check(&note, &keys->at[k].key, NULL) == WARD_OK)
                return WARD_FAIL(
                    err, FAILED_PRECONDITION,
                    "the head of size %llu is signed by a key that was rotated at size %llu",
                    (unsigned long long)cp.size, (unsigned long long)keys->at[k].last_size);
        return err == NULL ? WARD_FAILED_PRECONDITION : err->code;
    }
    if (keys->at[i].ended && cp.size == keys->at[i].last_size &&
        !ward_hash_equal(&cp.root, &keys->at[i].root))
        return WARD_FAIL(err, FAILED_PRECONDITION, "two heads of the same size differ");
    if (out != NULL)
        *out = cp;
    return WARD_OK;
}
