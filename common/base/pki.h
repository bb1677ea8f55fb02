/* pki.h - the embedded default's and the tests' own certificate authority.
 *
 * ECDSA P-256 (gRPC's BoringSSL-free OpenSSL and NNG's mbedTLS both read it). A service's name
 * is its URI SAN, spiffe://ward/<name>; DNS SANs are <name> and localhost, IP SANs 127.0.0.1
 * and ::1. Not for production: a hospital brings cert-manager or its own CA.
 *
 * Threads: any. Memory: none kept. Errors: FAILED_PRECONDITION with the path that failed.
 */
#ifndef WARD_BASE_PKI_H
#define WARD_BASE_PKI_H

#include "common/base/status.h"

/* Makes dir/ca.pem and dir/ca.key (mode 0600) unless both are there. */
WARD_MUST enum ward_code ward_pki_ca(const char *dir, struct ward_err *err);

/* Makes or renews dir/<name>.pem and dir/<name>.key, signed by dir/ca.key, valid from an hour
 * ago for `hours`. Each file is replaced atomically. */
WARD_MUST enum ward_code ward_pki_issue(const char *dir, const char *name, int hours,
                                        struct ward_err *err);

/* Hours until dir/<name>.pem expires; negative once it has, or when there is none. */
double ward_pki_hours_left(const char *dir, const char *name);

#endif
