/* check_run - the dose check as a program: rule sets and snapshots in, decisions out. No clock,
 * no database.
 *
 * stdin:  frames of a letter, a length (4 bytes, little endian) and so many bytes: 'R' a
 *         ward.dosage.v1.RuleSet for all that follows, 'S' a Snapshot.
 * stdout: for each frame one of the same shape: 'R' of a set that was taken, 'D' a Decision
 *         without its snapshot, 'E' "REASON words" where there is none.
 * Ends with 0 at the end of stdin, with 1 on a frame that is none. */
#include "common/rpc/wire.h"
#include "services/dosage/check/check.h"

#include <stdio.h>

#define FRAME_MOST ((size_t)8 << 20)
#define SET_MEM    ((size_t)256 << 20)
#define CALL_MEM   ((size_t)64 << 20)

struct runner {
    struct ward_arena set_mem, mem; /* of the set in use; of one frame */
    struct ruleset *set;
};

static const char NO_HASH[65] =
    "0000000000000000000000000000000000000000000000000000000000000000";

static void put(char kind, const void *bytes, size_t n)
{
    const unsigned char head[5] = {(unsigned char)kind, (unsigned char)n,
                                   (unsigned char)(n >> 8), (unsigned char)(n >> 16),
                                   (unsigned char)(n >> 24)};

    fwrite(head, 1, sizeof(head), stdout);
    fwrite(bytes, 1, n, stdout);
}

static void put_error(const struct ward_err *err)
{
    char text[256];
    int n = snprintf(text, sizeof(text), "%s %s",
                     *err->reason != '\0' ? err->reason : ward_code_name(err->code), err->msg);

    put('E', text, n < (int)sizeof(text) ? (size_t)n : sizeof(text) - 1);
}

static enum ward_code take_set(struct runner *r, const uint8_t *bytes, size_t n,
                               struct ward_err *err)
{
    struct ruleset_problems problems;
    ProtobufCMessage *msg;

    ruleset_free(r->set);
    r->set = NULL;
    ward_arena_reset(&r->set_mem);
    WARD_TRY(ward_wire_decode(&ward__dosage__v1__rule_set__descriptor, bytes, n, &r->set_mem,
                              &msg, err));
    return ruleset_make((Ward__Dosage__V1__RuleSet *)msg, NO_HASH, &r->set, &problems, err);
}

static enum ward_code decide(struct runner *r, const uint8_t *bytes, size_t n,
                             struct ward_err *err)
{
    Ward__Dosage__V1__Decision d = WARD__DOSAGE__V1__DECISION__INIT;
    ProtobufCMessage *msg;
    uint8_t *packed;

    if (r->set == NULL)
        return WARD_FAIL(err, FAILED_PRECONDITION, "no rule set was taken");
    WARD_TRY(ward_wire_decode(&ward__dosage__v1__snapshot__descriptor, bytes, n, &r->mem, &msg,
                              err));
    WARD_TRY(check_run(r->set, (Ward__Dosage__V1__Snapshot *)msg, &r->mem, &d, err));
    d.snapshot = NULL;
    n = ward__dosage__v1__decision__get_packed_size(&d);
    packed = ward_alloc(&r->mem, n);
    if (packed == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for the decision");
    put('D', packed, ward__dosage__v1__decision__pack(&d, packed));
    return WARD_OK;
}

/* False: the input is at its end, or no frame. */
static bool frame(struct runner *r, int *status)
{
    unsigned char head[5];
    struct ward_err err = {0};
    enum ward_code code;
    uint8_t *bytes;
    size_t n = fread(head, 1, sizeof(head), stdin);

    *status = n != 0;
    if (n != sizeof(head))
        return false;
    n = head[1] | (size_t)head[2] << 8 | (size_t)head[3] << 16 | (size_t)head[4] << 24;
    ward_arena_reset(&r->mem);
    bytes = n > FRAME_MOST ? NULL : ward_alloc(&r->mem, n);
    if (bytes == NULL || fread(bytes, 1, n, stdin) != n || (head[0] != 'R' && head[0] != 'S'))
        return false;
    code = head[0] == 'R' ? take_set(r, bytes, n, &err) : decide(r, bytes, n, &err);
    if (code != WARD_OK)
        put_error(&err);
    else if (head[0] == 'R')
        put('R', "", 0);
    fflush(stdout);
    return true;
}

int main(void)
{
    struct runner r = {.set = NULL};
    int status;

    ward_arena_init(&r.set_mem, SET_MEM);
    ward_arena_init(&r.mem, CALL_MEM);
    while (frame(&r, &status))
        ;
    ruleset_free(r.set);
    ward_arena_done(&r.mem);
    ward_arena_done(&r.set_mem);
    return status;
}
