/* Finds the file of a symbol or an extension, for server reflection. */
#include "common/rpc/methods_set.h"

#include <stdlib.h>
#include <string.h>

typedef Google__Protobuf__FileDescriptorSet SetProto;
typedef Google__Protobuf__FileDescriptorProto FileProto;
typedef Google__Protobuf__DescriptorProto MessageProto;
typedef Google__Protobuf__EnumDescriptorProto EnumProto;
typedef Google__Protobuf__ServiceDescriptorProto ServiceProto;
typedef Google__Protobuf__FieldDescriptorProto FieldProto;

/* All files are visited twice: `fill` is false for counting and true for writing. */
struct index {
    struct ward_set *set;
    struct ward_arena *mem;
    size_t file;
    bool fill;
};

static enum ward_code no_memory(struct ward_err *err)
{
    return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for the descriptors");
}

/* Returns the name "scope.name". During counting, names are not needed. */
static const char *symbol(struct index *x, const char *scope, const char *name)
{
    struct ward_set *set = x->set;
    const char *full = "";

    if (x->fill) {
        const char *leaf = name == NULL ? "" : name;

        full = *scope == '\0' ? ward_strdup(x->mem, leaf)
                              : ward_printf(x->mem, "%s.%s", scope, leaf);
        if (full == NULL)
            return ""; /* the arena's `full` is checked once, at the end */
        set->symbols[set->n_symbols] = (struct ward_set_symbol){.name = full, .file = x->file};
    }
    set->n_symbols++;
    return full;
}

static void extensions(struct index *x, const char *scope, FieldProto *const *list, size_t n)
{
    struct ward_set *set = x->set;

    for (size_t i = 0; i < n; i++) {
        const char *type = list[i]->extendee == NULL ? "" : list[i]->extendee;

        symbol(x, scope, list[i]->name);
        if (x->fill) {
            type = ward_strdup(x->mem, type + (*type == '.'));
            set->extensions[set->n_extensions] = (struct ward_set_extension){
                .type = type, .number = list[i]->number, .file = x->file};
        }
        set->n_extensions++;
    }
}

/* The full name of an enum's value has the scope of the enum, not the enum's name. */
static void enums(struct index *x, const char *scope, EnumProto *const *list, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        symbol(x, scope, list[i]->name);
        for (size_t k = 0; k < list[i]->n_value; k++)
            symbol(x, scope, list[i]->value[k]->name);
    }
}

/* The recursion is bounded by the nesting in Ward's own .proto files. */
static void messages(struct index *x, const char *scope, MessageProto *const *list, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const MessageProto *m = list[i];
        const char *full = symbol(x, scope, m->name);

        for (size_t k = 0; k < m->n_field; k++)
            symbol(x, full, m->field[k]->name);
        for (size_t k = 0; k < m->n_oneof_decl; k++)
            symbol(x, full, m->oneof_decl[k]->name);
        extensions(x, full, m->extension, m->n_extension);
        enums(x, full, m->enum_type, m->n_enum_type);
        messages(x, full, m->nested_type, m->n_nested_type);
    }
}

static void services(struct index *x, const char *scope, ServiceProto *const *list, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const char *full = symbol(x, scope, list[i]->name);

        for (size_t k = 0; k < list[i]->n_method; k++)
            symbol(x, full, list[i]->method[k]->name);
    }
}

static void pass(struct index *x, const SetProto *proto)
{
    x->set->n_symbols = x->set->n_extensions = 0;
    for (x->file = 0; x->file < proto->n_file; x->file++) {
        const FileProto *f = proto->file[x->file];
        const char *scope = f->package == NULL ? "" : f->package;

        messages(x, scope, f->message_type, f->n_message_type);
        enums(x, scope, f->enum_type, f->n_enum_type);
        services(x, scope, f->service, f->n_service);
        extensions(x, scope, f->extension, f->n_extension);
    }
}

static int by_name(const void *a, const void *b)
{
    const struct ward_set_symbol *x = a, *y = b;

    return strcmp(x->name, y->name);
}

static int by_number(const void *a, const void *b)
{
    const struct ward_set_extension *x = a, *y = b;
    int d = strcmp(x->type, y->type);

    return d != 0 ? d : (x->number > y->number) - (x->number < y->number);
}

/* Packs a file again without its source info. protobuf-c keeps custom options as unknown
 * fields, so nothing else is lost. */
static void keep_file(struct ward_arena *mem, FileProto *f, struct ward_set_file *out)
{
    uint8_t *bytes;
    const char **imports;

    f->source_code_info = NULL;
    out->wire.name = ward_strdup(mem, f->name == NULL ? "" : f->name);
    out->wire.len = google__protobuf__file_descriptor_proto__get_packed_size(f);
    bytes = ward_alloc(mem, out->wire.len);
    imports = ward_alloc(mem, f->n_dependency * sizeof(const char *));
    if (bytes == NULL || imports == NULL)
        return;
    google__protobuf__file_descriptor_proto__pack(f, bytes);
    for (size_t i = 0; i < f->n_dependency; i++)
        imports[i] = ward_strdup(mem, f->dependency[i]);
    out->wire.data = bytes;
    out->imports = imports;
    out->n_imports = f->n_dependency;
}

enum ward_code ward_set_index(const SetProto *proto, struct ward_set *set,
                              struct ward_arena *mem, struct ward_err *err)
{
    struct index x = {.set = set, .mem = mem};

    set->n_files = proto->n_file;
    set->files = ward_alloc(mem, set->n_files * sizeof(*set->files));
    if (set->files == NULL)
        return no_memory(err);
    for (size_t i = 0; i < set->n_files; i++)
        keep_file(mem, proto->file[i], &set->files[i]);
    pass(&x, proto);
    set->symbols = ward_alloc(mem, set->n_symbols * sizeof(*set->symbols));
    set->extensions = ward_alloc(mem, set->n_extensions * sizeof(*set->extensions));
    if (mem->full)
        return no_memory(err);
    x.fill = true;
    pass(&x, proto);
    if (mem->full)
        return no_memory(err);
    qsort(set->symbols, set->n_symbols, sizeof(*set->symbols), by_name);
    qsort(set->extensions, set->n_extensions, sizeof(*set->extensions), by_number);
    return WARD_OK;
}

static size_t file_at(const struct ward_set *set, const char *name)
{
    size_t i = 0;

    while (i < set->n_files && strcmp(set->files[i].wire.name, name) != 0)
        i++;
    return i;
}

/* Lists a file and its direct and indirect imports, each once. `out` is the queue of a
 * breadth-first search. */
static enum ward_code closure(const struct ward_set *set, size_t first, struct ward_arena *mem,
                              struct ward_file **out, size_t *n, struct ward_err *err)
{
    struct ward_file *list = ward_alloc(mem, set->n_files * sizeof(*list));
    size_t *queue = ward_alloc(mem, set->n_files * sizeof(*queue)), len = 0;
    bool *seen = ward_alloc(mem, set->n_files * sizeof(*seen));

    if (list == NULL || queue == NULL || seen == NULL)
        return no_memory(err);
    queue[len++] = first;
    seen[first] = true;
    for (size_t i = 0; i < len; i++) {
        const struct ward_set_file *f = &set->files[queue[i]];

        list[i] = f->wire;
        for (size_t k = 0; k < f->n_imports; k++) {
            size_t at = file_at(set, f->imports[k]);

            if (at < set->n_files && !seen[at])
                queue[len++] = at, seen[at] = true;
        }
    }
    *out = list;
    *n = len;
    return WARD_OK;
}

enum ward_code ward_set_file(const struct ward_set *set, const char *file_name,
                             struct ward_arena *mem, struct ward_file **out, size_t *n,
                             struct ward_err *err)
{
    size_t at = file_at(set, file_name);

    if (at == set->n_files)
        return WARD_FAIL(err, NOT_FOUND, "no such file");
    return closure(set, at, mem, out, n, err);
}

static const struct ward_set_symbol *find_symbol(const struct ward_set *set, const char *name)
{
    struct ward_set_symbol key = {.name = *name == '.' ? name + 1 : name};

    return bsearch(&key, set->symbols, set->n_symbols, sizeof(key), by_name);
}

enum ward_code ward_set_symbol(const struct ward_set *set, const char *name,
                               struct ward_arena *mem, struct ward_file **out, size_t *n,
                               struct ward_err *err)
{
    const struct ward_set_symbol *s = find_symbol(set, name);

    if (s == NULL)
        return WARD_FAIL(err, NOT_FOUND, "no such symbol");
    return closure(set, s->file, mem, out, n, err);
}

enum ward_code ward_set_extension(const struct ward_set *set, const char *type, int number,
                                  struct ward_arena *mem, struct ward_file **out, size_t *n,
                                  struct ward_err *err)
{
    struct ward_set_extension key = {.type = type + (*type == '.'), .number = number}, *e;

    e = bsearch(&key, set->extensions, set->n_extensions, sizeof(key), by_number);
    if (e == NULL)
        return WARD_FAIL(err, NOT_FOUND, "no such extension");
    return closure(set, e->file, mem, out, n, err);
}

enum ward_code ward_set_extensions(const struct ward_set *set, const char *type,
                                   struct ward_arena *mem, int32_t **out, size_t *n,
                                   struct ward_err *err)
{
    const char *full = type + (*type == '.');
    size_t k = 0;
    int32_t *list;

    if (find_symbol(set, full) == NULL)
        return WARD_FAIL(err, NOT_FOUND, "no such type");
    list = ward_alloc(mem, set->n_extensions * sizeof(*list));
    if (list == NULL)
        return no_memory(err);
    for (size_t i = 0; i < set->n_extensions; i++)
        if (strcmp(set->extensions[i].type, full) == 0)
            list[k++] = set->extensions[i].number;
    *out = list;
    *n = k;
    return WARD_OK;
}
