/* local.h - the folder of an embedded default: its contents and their creation.
 *
 *   lock       held while the services are up; contains the process id of its holder
 *   ports      "audit 7401 7402": gRPC and admin port of each service, kept between starts
 *   db/        MariaDB's data run/ sockets tmp/ MariaDB's own
 *   pki/       the development authority and each certificate
 *   keys/      issuer.pem and jwks.json (bearer tokens), SERVICE.kek
 *   secrets/   SERVICE.db: each database password; init.sql: the users with them
 *   log/       the output of each process
 *   gallery/   identity's snapshot of searchable faces
 * Folders have mode 0700, private files 0600. Everything is created once and kept. Certificates
 * are renewed a week before they expire.
 *
 * Threads: one. Memory: l->mem, until local_close. Errors: FAILED_PRECONDITION with the path,
 * ALREADY_EXISTS if the services are up.
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
#define LOCAL_MOST 32 /* services */

struct local {
    struct ward_arena mem;
    const char *dir; /* absolute */
    const char *bin; /* folder of this program, and of the services */
    const char *lib; /* its parent: plugins/, models/ */
    int lock;        /* descriptor; -1: not held */
    int n_held;      /* ports reserved against other embedded defaults on this machine */
    int held[LOCAL_MOST * 2];
    int n_services; /* those with a services/NAME/local.env, by name */
    struct local_service service[LOCAL_MOST];
};

/* Sets the folder's name; creates nothing. INVALID_ARGUMENT the path is unusable */
WARD_MUST enum ward_code local_open(struct local *l, const char *dir, struct ward_err *err);
void local_close(struct local *l);
/* DIR/under, or DIR/under with one %s replaced. */
const char *local_path(struct local *l, const char *fmt, ...) WARD_PRINTF(2, 3);

/* Creates the folder if necessary and holds its lock until local_close or the end of the
 * process. ALREADY_EXISTS reason ALREADY_UP: another process holds it */
WARD_MUST enum ward_code local_lock(struct local *l, struct ward_err *err);
/* Returns whether a process holds the lock now. */
bool local_is_up(struct local *l);

/* Creates missing files in pki/, keys/ and secrets/, and writes my.cnf. */
WARD_MUST enum ward_code local_prepare(struct local *l, struct ward_err *err);
/* Renews certificates that expire within a week. *n is their number. */
WARD_MUST enum ward_code local_renew(struct local *l, int *n, struct ward_err *err);

/* Reads ports.   NOT_FOUND the services were never up */
WARD_MUST enum ward_code local_ports(struct local *l, struct ward_err *err);
/* Reads ports, and chooses new ones for missing or occupied ports. They stay reserved until
 * local_close, even while a service restarts.
 *   UNAVAILABLE  every port is occupied */
WARD_MUST enum ward_code local_choose_ports(struct local *l, struct ward_err *err);

/* Returns the service of this name, or NULL. */
struct local_service *local_service(struct local *l, const char *name);
/* A service's whole environment from deploy/local/service.env and its own local.env; NULL at
 * the end. */
WARD_MUST enum ward_code local_environment(struct local *l, const struct local_service *s,
                                           const char *const **out, struct ward_err *err);

/* The files of deploy/local, and services/NAME/local.env as "NAME.env", embedded by the build.
 */
struct local_file {
    const char *name; /* "my.cnf"; NULL ends the table */
    const char *text;
};
extern const struct local_file local_files[];
/* Returns the text of one of them, or NULL. */
const char *local_text(const char *file);
/* Returns `text` with ${DIR} and other variables replaced. `s` may be NULL. INTERNAL an unknown
 * variable */
WARD_MUST enum ward_code local_expand(struct local *l, const struct local_service *s,
                                      const char *file, char **out, struct ward_err *err);

/* Files. `write` replaces atomically and syncs; `keep` writes only if the file is missing. */
WARD_MUST enum ward_code local_write(const char *path, const char *text, struct ward_err *err);
WARD_MUST enum ward_code local_keep(const char *path, const char *text, struct ward_err *err);
WARD_MUST enum ward_code local_remove_tree(const char *path, struct ward_err *err);

#endif
