/* Stores one copy of each generated statement's text for the whole process. */
#include "services/records/search/sql.h"

#include <pthread.h>
#include <string.h>

#define SLOTS  (2 * SQL_SHAPES) /* open addressing, at most half full */
#define MEMORY ((size_t)16 << 20)

static struct {
    pthread_mutex_t lock;
    struct ward_arena mem; /* never released */
    const char *text[SLOTS];
    int n;
} shapes = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* FNV-1a is sufficient, because the texts contain no data of callers. */
static size_t slot_of(const char *text)
{
    uint64_t h = UINT64_C(0xcbf29ce484222325);

    for (; *text != '\0'; text++)
        h = (h ^ (uint8_t)*text) * UINT64_C(0x100000001b3);
    return (size_t)(h % SLOTS);
}

static const char *find_or_add(const char *text)
{
    size_t at = slot_of(text);
    char *copy;

    for (; shapes.text[at] != NULL; at = (at + 1) % SLOTS)
        if (strcmp(shapes.text[at], text) == 0)
            return shapes.text[at];
    if (shapes.n == SQL_SHAPES)
        return text;
    if (shapes.mem.cap == 0)
        ward_arena_init(&shapes.mem, MEMORY);
    copy = ward_strdup(&shapes.mem, text);
    if (copy == NULL)
        return text;
    shapes.text[at] = copy;
    shapes.n++;
    return copy;
}

const char *sql_shape(const char *text)
{
    const char *found;

    pthread_mutex_lock(&shapes.lock);
    found = find_or_add(text);
    pthread_mutex_unlock(&shapes.lock);
    return found;
}
