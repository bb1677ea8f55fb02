/* cert.h - reads the facts of a certificate in a PEM file, for a check of an installation.
 *
 * This file does not verify peers. common/rpc and tlsio.h verify the peer of each connection.
 *
 * Threads: any thread. Memory: the caller's. Errors: NOT_FOUND with the file that cannot be
 * read; FAILED_PRECONDITION with the file that contains no certificate, key or authority.
 */
#ifndef WARD_BASE_X509_CERT_H
#define WARD_BASE_X509_CERT_H

#include "common/base/status.h"

#include <stdint.h>

struct ward_cert {
    char uri[256];   /* the first URI of its subject alternative names; "" for none */
    int64_t since_s; /* seconds since the validity began; negative before it begins */
    int64_t left_s;  /* seconds until the certificate expires; negative if it has expired */
    bool key_fits;   /* the private key belongs to the certificate */
    /* the authority issued the certificate for servers and clients; expiry is not checked */
    bool trusted;
};

/* Reads a chain (the certificate itself is first), its private key and an authority's file. */
WARD_MUST enum ward_code ward_cert_read(const char *chain, const char *key, const char *ca,
                                        struct ward_cert *out, struct ward_err *err);

#endif
