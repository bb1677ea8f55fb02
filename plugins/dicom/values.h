/* values.h - the elements of a DICOM header that the decoder keeps.
 *
 * Threads: pure. Memory: the header's. Errors: a value that is malformed counts as absent; the
 * judgement of the header follows from that.
 */
#ifndef WARD_PLUGINS_DICOM_VALUES_H
#define WARD_PLUGINS_DICOM_VALUES_H

#include "header.h"

struct dicom_element {
    uint32_t tag;
    uint8_t vr[2]; /* 0: implicit */
    uint32_t length;
    bool big;
};

/* Of group 0002. */
void dicom_value_meta(struct dicom_header *h, const struct dicom_element *e,
                      const struct dicom_bytes *v);
/* `top`: the data set's own element, not one of a functional group. */
void dicom_value_keep(struct dicom_header *h, const struct dicom_element *e,
                      const struct dicom_bytes *v, bool top);
/* A sequence of the data set is present. */
void dicom_value_note(struct dicom_header *h, uint32_t tag);
/* Without VRs: the tags of sequences that matter. Others are skipped by their length. */
bool dicom_value_is_sequence(uint32_t tag);

#endif
