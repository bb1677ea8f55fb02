/* local.h - the folder of an embedded default: its contents and their creation.
 *
 *   lock       held while the services are up; contains the process id of its holder
 *   ports      "audit 7401 7402": gRPC and admin port of each service, reused at each start
 *   db/        MariaDB's data run/ sockets tmp/ MariaDB's own
 *   pki/       the development authority and each certificate
 *   keys/      issuer.pem and jwks.json (bearer tokens), SERVICE.kek
 *   secrets/   SERVICE.db: each database password; init.sql: the users with them
 *   log/       the output of each process
 *   gallery/   identity's snapshot of searchable faces
 * Folders have mode 0700, private files 0600. Everything is created once and then reused.
 * Certificates are renewed a week before they expire.
 *
 * Threads: one. Memory: l->mem, until local_close. Errors: FAILED_PRECONDITION with the path,
 * ALREADY_EXISTS if the services are up. */
#ifndef WARD_CLI_LOCAL_H
#define WARD_CLI_LOCAL_H

#include "common/base/arena.h"
#include "common/base/status.h"

#include <stddef.h>

struct local_service {
    const char *name;
    int port, admin_port; /* 0 before local_ports */
};
#define LOCAL_MOST 32 /* maximum number of services */

struct local {
    struct ward_arena mem;
    const char *dir; /* absolute path of the folder */
    const char *bin; /* folder of this program and of the services' programs */
    const char *lib; /* parent of `bin`, with plugins/ and models/ */
    int lock;        /* file descriptor of the lock; -1: not held */
    /* number of ports reserved against other embedded defaults on this machine */
    int n_held;
    int held[LOCAL_MOST * 2];
    int n_services; /* number of services with a services/NAME/local.env */
    struct local_service service[LOCAL_MOST];
};

/* Sets the folder's name; creates nothing. INVALID_ARGUMENT if the path is unusable */
WARD_MUST enum ward_code local_open(struct local *l, const char *dir, struct ward_err *err);
void local_close(struct local *l);
/* Returns the path of a file in the folder. `fmt` may contain one %s. */
const char *local_path(struct local *l, const char *fmt, ...) WARD_PRINTF(2, 3);

/* Creates the folder if necessary, and locks it until local_close or the end of the process.
 * ALREADY_EXISTS reason ALREADY_UP: another process holds it */
WARD_MUST enum ward_code local_lock(struct local *l, struct ward_err *err);
/* Returns whether a process holds the lock now. */
bool local_is_up(struct local *l);

/* Creates missing files in pki/, keys/ and secrets/, and writes my.cnf. */
WARD_MUST enum ward_code local_prepare(struct local *l, struct ward_err *err);
/* Renews certificates that expire within a week. *n is the number of renewed certificates. */
WARD_MUST enum ward_code local_renew(struct local *l, int *n, struct ward_err *err);

/* Reads the ports.   NOT_FOUND if the services have never been started */
WARD_MUST enum ward_code local_ports(struct local *l, struct ward_err *err);
/* Reads the ports, and replaces missing or occupied ports by free ones. All ports stay reserved
 * until local_close, even while a service restarts.
 *   UNAVAILABLE  every port is occupied */
WARD_MUST enum ward_code local_choose_ports(struct local *l, struct ward_err *err);

/* Returns the service of this name, or NULL. */
struct local_service *local_service(struct local *l, const char *name);
/* Builds the whole environment of a service, from deploy/local/service.env and its own
 * local.env. The list ends with NULL. */
WARD_MUST enum ward_code local_environment(struct local *l, const struct local_service *s,
                                           const char *const **out, struct ward_err *err);

/* The files of deploy/local, and services/NAME/local.env as "NAME.env", embedded by the build.
 */
struct local_file {
    const char *name; /* name of the file, such as "my.cnf"; NULL ends the table */
    const char *text;
};
extern const struct local_file local_files[];
/* Returns the text of the embedded file with this name, or NULL. */
const char *local_text(const char *file);
/* Returns the text of `file` with ${DIR} and other variables replaced. `s` may be NULL.
 * INTERNAL for an unknown variable */
WARD_MUST enum ward_code local_expand(struct local *l, const struct local_service *s,
                                      const char *file, char **out, struct ward_err *err);

/* local_write replaces a file atomically and syncs it. local_keep writes a file only if it does
 * not exist. */
WARD_MUST enum ward_code local_write(const char *path, const char *text, struct ward_err *err);
WARD_MUST enum ward_code local_keep(const char *path, const char *text, struct ward_err *err);
WARD_MUST enum ward_code local_remove_tree(const char *path, struct ward_err *err);

#endif
