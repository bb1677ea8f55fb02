#include "tests/bench/faiss_peer.h"

#include <cstdlib>
#include <faiss/IndexFlat.h>
#include <omp.h>
#include <string>

struct faiss_peer {
    faiss::IndexFlatIP index;
};

extern "C" struct faiss_peer *faiss_peer_open(int dim, size_t rows)
{
    auto *p = new faiss_peer{faiss::IndexFlatIP(dim)};

    omp_set_num_threads(1);
    p->index.codes.reserve(rows * p->index.code_size);
    return p;
}

extern "C" void faiss_peer_close(struct faiss_peer *p)
{
    delete p;
}

extern "C" void faiss_peer_add(struct faiss_peer *p, size_t n, const float *x)
{
    p->index.add(static_cast<faiss::Index::idx_t>(n), x);
}

extern "C" const float *faiss_peer_rows(const struct faiss_peer *p)
{
    return reinterpret_cast<const float *>(p->index.codes.data());
}

extern "C" void faiss_peer_search(const struct faiss_peer *p, size_t n, const float *queries,
                                  int k, float *scores, int64_t *rows)
{
    p->index.search(static_cast<faiss::Index::idx_t>(n), queries, k, scores, rows);
}

extern "C" const char *faiss_peer_version(void)
{
    static const std::string text = std::to_string(FAISS_VERSION_MAJOR) + "." +
                                    std::to_string(FAISS_VERSION_MINOR) + "." +
                                    std::to_string(FAISS_VERSION_PATCH);

    return text.c_str();
}
