/* pki.h - the certificate authority of the embedded default and the tests.
 *
 * Keys are ECDSA P-256, which both gRPC's OpenSSL and NNG's TLS engine support. A service's
 * name is its URI SAN, spiffe://ward/<name>. The DNS SANs are <name> and localhost, the IP SANs
 * 127.0.0.1 and ::1. Not for production: a hospital uses cert-manager or its own CA.
 *
 * Threads: any. Memory: none retained. Errors: FAILED_PRECONDITION with the path that failed.
 */
#ifndef WARD_CLI_PKI_H
#define WARD_CLI_PKI_H

#include "common/base/status.h"

/* Creates dir/ca.pem and dir/ca.key (mode 0600) unless both exist. */
WARD_MUST enum ward_code ward_pki_ca(const char *dir, struct ward_err *err);

/* Creates or renews dir/<name>.pem and dir/<name>.key, signed by dir/ca.key. The certificate's
 * validity begins an hour before now and lasts `hours`. Each file is replaced atomically. */
WARD_MUST enum ward_code ward_pki_issue(const char *dir, const char *name, int hours,
                                        struct ward_err *err);

/* Returns the hours until dir/<name>.pem expires; negative if it has expired or does not exist.
 */
double ward_pki_hours_left(const char *dir, const char *name);

#endif
