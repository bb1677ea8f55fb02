/* values.h - stores the elements of a DICOM header that the decoder uses.
 *
 * Threads: pure functions. Memory: the header's. Errors: a malformed value counts as absent,
 * and dicom_header_judge rejects the header if it needs the value. */
#ifndef WARD_PLUGINS_DICOM_VALUES_H
#define WARD_PLUGINS_DICOM_VALUES_H

#include "header.h"

struct dicom_element {
    uint32_t tag;
    uint8_t vr[2]; /* 0: the VR is implicit */
    uint32_t length;
    bool big;
};

/* Stores an element of group 0002. */
void dicom_value_meta(struct dicom_header *h, const struct dicom_element *e,
                      const struct dicom_bytes *v);
/* Stores an element. `top`: the element is in the data set itself, not in a functional
 * group. */
void dicom_value_keep(struct dicom_header *h, const struct dicom_element *e,
                      const struct dicom_bytes *v, bool top);
/* Records that the data set contains a sequence. */
void dicom_value_note(struct dicom_header *h, uint32_t tag);
/* Whether an element without a VR is a sequence that the decoder uses. Others are skipped by
 * their length. */
bool dicom_value_is_sequence(uint32_t tag);

#endif
