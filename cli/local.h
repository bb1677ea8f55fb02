/* local.h - the folder of an embedded default: what is in it, and how it is made.
 *
 *   lock       held while it is up; holds the pid of who holds it
 *   ports      "audit 7401 7402": gRPC and admin port of each service, kept between starts
 *   db/        MariaDB's data      run/  sockets      tmp/  MariaDB's own
 *   pki/       the development authority and each certificate
 *   keys/      issuer.pem and jwks.json (persons' tokens), SERVICE.kek
 *   secrets/   SERVICE.db: each database password; init.sql: the users with them
 *   log/       what each process wrote
 *   gallery/   identity's snapshot of the faces it can search
 * Folders are 0700, private files 0600. Everything is made once and kept; certificates are
 * renewed a week before they expire.
 *
 * Threads: one. Memory: l->mem, until local_close. Errors: FAILED_PRECONDITION with the path at
 * fault, ALREADY_EXISTS where it is up already.
 */
#ifndef WARD_CLI_LOCAL_H
#define WARD_CLI_LOCAL_H

#include "common/base/arena.h"
#include "common/base/status.h"

#include <stddef.h>

struct local_service {
    const char *name;
    int port, admin_port; /* 0 until local_ports */
};
#define LOCAL_SERVICES 5

struct local {
    struct ward_arena mem;
    const char *dir; /* absolute */
    const char *bin; /* folder of this program, and of the services */
    const char *lib; /* its parent: plugins/, models/ */
    int lock;        /* descriptor; -1: not ours */
    int n_held;      /* ports that are kept from other wards of this machine */
    int held[LOCAL_SERVICES * 2];
    struct local_service service[LOCAL_SERVICES];
};

/* Names the folder; makes nothing.   INVALID_ARGUMENT  a path that cannot be used */
WARD_MUST enum ward_code local_open(struct local *l, const char *dir, struct ward_err *err);
void local_close(struct local *l);
/* DIR/under, or DIR/under with one %s filled in. */
const char *local_path(struct local *l, const char *fmt, ...) WARD_PRINTF(2, 3);

/* Makes the folder if need be and takes its lock until local_close or our end, however it
 * comes.  ALREADY_EXISTS  reason ALREADY_UP: another process has it */
WARD_MUST enum ward_code local_lock(struct local *l, struct ward_err *err);
/* Whether a process holds the lock now. */
bool local_is_up(struct local *l);

/* Makes what is missing of pki/, keys/ and secrets/, and writes my.cnf anew. */
WARD_MUST enum ward_code local_prepare(struct local *l, struct ward_err *err);
/* Renews what expires within a week.  *n is how many. */
WARD_MUST enum ward_code local_renew(struct local *l, int *n, struct ward_err *err);

/* Reads ports.   NOT_FOUND  it was never up */
WARD_MUST enum ward_code local_ports(struct local *l, struct ward_err *err);
/* The same, and chooses others for those that are missing or taken. They are ours until
 * local_close, also while a service that listens on one is being started again.
 *   UNAVAILABLE  every port is taken */
WARD_MUST enum ward_code local_choose_ports(struct local *l, struct ward_err *err);

/* A service's whole environment from deploy/local's templates; NULL at the end. */
WARD_MUST enum ward_code local_environment(struct local *l, const struct local_service *s,
                                           const char *const **out, struct ward_err *err);

/* deploy/local's files, embedded by the build. */
struct local_file {
    const char *name; /* "my.cnf"; NULL ends the table */
    const char *text;
};
extern const struct local_file local_files[];
/* `text` with ${DIR} and such filled in. `s` may be NULL.  INTERNAL  an unknown variable */
WARD_MUST enum ward_code local_expand(struct local *l, const struct local_service *s,
                                      const char *file, char **out, struct ward_err *err);

/* Files. `write` replaces atomically and syncs; `keep` only writes when there is none. */
WARD_MUST enum ward_code local_write(const char *path, const char *text, struct ward_err *err);
WARD_MUST enum ward_code local_keep(const char *path, const char *text, struct ward_err *err);
WARD_MUST enum ward_code local_remove_tree(const char *path, struct ward_err *err);

#endif
