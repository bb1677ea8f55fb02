/* Prints the option table for --help and as rows of docs/config.md. */
#include "common/app/config.h"

/* Writes the option's variable; for a secret, the variable with _FILE. */
static void name_of(const struct ward_opt *o, char out[96])
{
    snprintf(out, 96, "%.80s%s", o->env, o->secret ? "_FILE" : "");
}

void ward_config_help(const struct ward_opt *opts, FILE *to)
{
    for (const struct ward_opt *o = opts; o != NULL && o->env != NULL; o++) {
        char name[96];

        name_of(o, name);
        fprintf(to, "  %-24s %s", name, o->help);
        if (o->type == WARD_INT)
            fprintf(to, "; %d..%d%s%s", o->min, o->max, *o->unit ? " " : "", o->unit);
        if (o->secret)
            fprintf(to, "; name of a file with the value");
        if (o->def == NULL)
            fprintf(to, "; required");
        else if (*o->def != '\0' && !o->secret)
            fprintf(to, "; default %s", o->def);
        fputc('\n', to);
    }
}

/* Prints the text of a table cell. Escapes bars, because a bar would end the cell. */
static void cell(const char *s, FILE *to)
{
    for (; *s != '\0'; s++) {
        if (*s == '|')
            fputc('\\', to);
        fputc(*s, to);
    }
}

void ward_config_markdown(const struct ward_opt *opts, FILE *to)
{
    for (const struct ward_opt *o = opts; o != NULL && o->env != NULL; o++) {
        char name[96];

        name_of(o, name);
        fprintf(to, "| `%s` | ", name);
        cell(o->help, to);
        fprintf(to, " | ");
        if (o->type == WARD_INT)
            fprintf(to, "%d..%d%s%s", o->min, o->max, *o->unit ? " " : "", o->unit);
        else
            fprintf(to, "%s", o->secret ? "file" : "text");
        if (o->def == NULL)
            fprintf(to, " | *required* |\n");
        else if (*o->def == '\0' || o->secret)
            fprintf(to, " | none |\n");
        else
            fprintf(to, " | `%s` |\n", o->def);
    }
}
