/* faiss_peer.h - FAISS's exact index behind C, for face_scan. Threads: one. Memory: its own.
 * Errors: an exception ends the program, which is a bench. */
#ifndef WARD_BENCH_FAISS_PEER_H
#define WARD_BENCH_FAISS_PEER_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct faiss_peer;
/* faiss::IndexFlatIP with memory for `rows`; FAISS and BLAS keep to one thread from here on. */
struct faiss_peer *faiss_peer_open(int dim, size_t rows);
void faiss_peer_close(struct faiss_peer *p);
void faiss_peer_add(struct faiss_peer *p, size_t n, const float *x);
const float *faiss_peer_rows(const struct faiss_peer *p); /* float32, by row number */
void faiss_peer_search(const struct faiss_peer *p, size_t n, const float *queries, int k,
                       float *scores, int64_t *rows);
const char *faiss_peer_version(void);

#ifdef __cplusplus
}
#endif
#endif
