/* atoms.h - UCUM's tables: the atoms and prefixes of units.
 *
 * Threads: constant. Memory: static. Errors: NULL for an unknown atom or prefix.
 */
#ifndef WARD_MEASURE_ATOMS_H
#define WARD_MEASURE_ATOMS_H

#include <stddef.h>

enum {
    UCUM_METRIC = 1,    /* may have a prefix */
    UCUM_BASE = 2,      /* one of the seven base units */
    UCUM_QUALITY = 4,   /* no factor converts it: an arbitrary unit, or mol, eq, osm */
    UCUM_OFFSET = 8,    /* a shifted ratio scale: x units are (x + an offset) * value * unit */
    UCUM_FUNCTION = 16, /* a logarithm, a tangent or a root of value * unit */
};

struct ucum_atom {
    const char *code;
    unsigned kind;
    const char *value, *unit; /* UCUM's definition; "" if there is none */
    const char *table;        /* UCUM's class: the table of the specification */
};

struct ucum_prefix {
    const char *code;
    const char *value;
};

extern const struct ucum_atom ward_ucum_atoms[]; /* by code, in strcmp's order */
extern const size_t ward_ucum_n_atoms;

const struct ucum_atom *ward_ucum_atom_of(const char *code, size_t n);
/* Returns the prefix of `len` (1 or 2) bytes at the start of s. */
const struct ucum_prefix *ward_ucum_prefix_of(const char *s, size_t len);
const char *ward_ucum_offset_of(const struct ucum_atom *atom); /* offset of an UCUM_OFFSET */

#endif
