/* Merges a line into the existing patient. Elements that the line lacks are unchanged. */
#include "services/records/exchange/csv_map.h"

#include <string.h>

typedef Ward__Records__V1__Patient Patient;
typedef Ward__Records__V1__HumanName HumanName;
typedef Ward__Records__V1__Address Address;
typedef Ward__Records__V1__ContactPoint ContactPoint;
typedef Ward__Records__V1__Identifier Identifier;

static enum ward_code no_memory(struct ward_err *err)
{
    return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for a patient");
}

static void put(char **to, char *from)
{
    if (*from != '\0')
        *to = from;
}

/* Appends to a repeated field. */
static enum ward_code append(struct ward_arena *mem, void **list, size_t *n, void *one,
                             struct ward_err *err)
{
    void **longer = ward_alloc(mem, (*n + 1) * sizeof(void *));

    if (longer == NULL)
        return no_memory(err);
    if (*n > 0)
        memcpy(longer, *list, *n * sizeof(void *));
    longer[(*n)++] = one;
    *list = (void *)longer;
    return WARD_OK;
}

/* The row's k-th identifier of a system replaces the value of the patient's k-th identifier of
 * that system. If the patient has fewer identifiers of the system, the identifier is
 * appended. */
static enum ward_code identifiers(struct ward_arena *mem, const Patient *row, Patient *into,
                                  struct ward_err *err)
{
    for (size_t i = 0; i < row->n_identifier; i++) {
        Identifier *of_row = row->identifier[i];
        size_t skip = 0, k = 0;
        void *list = into->identifier;

        for (size_t b = 0; b < i; b++)
            skip += strcmp(row->identifier[b]->system, of_row->system) == 0;
        for (; k < into->n_identifier; k++)
            if (strcmp(into->identifier[k]->system, of_row->system) == 0 && skip-- == 0)
                break;
        if (k < into->n_identifier) {
            into->identifier[k]->value = of_row->value;
            continue;
        }
        WARD_TRY(append(mem, &list, &into->n_identifier, of_row, err));
        into->identifier = list;
    }
    return WARD_OK;
}

static enum ward_code telecom(struct ward_arena *mem, const Patient *row, Patient *into,
                              struct ward_err *err)
{
    for (size_t i = 0; i < row->n_telecom; i++) {
        ContactPoint *of_row = row->telecom[i];
        size_t skip = 0, k = 0;
        void *list = into->telecom;

        for (size_t b = 0; b < i; b++)
            skip += row->telecom[b]->system == of_row->system;
        for (; k < into->n_telecom; k++)
            if (into->telecom[k]->system == of_row->system && skip-- == 0)
                break;
        if (k < into->n_telecom) {
            into->telecom[k]->value = of_row->value;
            continue;
        }
        WARD_TRY(append(mem, &list, &into->n_telecom, of_row, err));
        into->telecom = list;
    }
    return WARD_OK;
}

static void name(const HumanName *row, HumanName *into)
{
    put(&into->text, row->text);
    put(&into->family, row->family);
    if (row->n_given > 0) {
        into->given = row->given;
        into->n_given = row->n_given;
    }
}

static void address(const Address *row, Address *into)
{
    put(&into->city, row->city);
    put(&into->postal_code, row->postal_code);
    if (row->n_line > 0) {
        into->line = row->line;
        into->n_line = row->n_line;
    }
}

enum ward_code csv_patient_merge(struct ward_arena *mem, const Patient *row, Patient *into,
                                 struct ward_err *err)
{
    WARD_TRY(identifiers(mem, row, into, err));
    WARD_TRY(telecom(mem, row, into, err));
    if (row->n_name > 0 && into->n_name > 0) {
        name(row->name[0], into->name[0]);
    } else if (row->n_name > 0) {
        into->name = row->name;
        into->n_name = row->n_name;
    }
    if (row->n_address > 0 && into->n_address > 0) {
        address(row->address[0], into->address[0]);
    } else if (row->n_address > 0) {
        into->address = row->address;
        into->n_address = row->n_address;
    }
    if (row->gender !=
        WARD__RECORDS__V1__ADMINISTRATIVE_GENDER__ADMINISTRATIVE_GENDER_UNSPECIFIED)
        into->gender = row->gender;
    put(&into->birth_date, row->birth_date);
    return WARD_OK;
}
