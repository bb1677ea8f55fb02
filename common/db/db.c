#include "common/db/db.h"

#include "common/db/db_internal.h"

#include <ma_pvio.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#define STATEMENT_MS 30000 /* limit of a statement without a deadline */
#define CONNECT_S    5
#define PATIENCE_MS  1000 /* additional time that the client waits for the server's timeout */

static struct ward_family statements = {
    .name = "ward_db_statements_total",
    .help = "Number of database statements, by outcome.",
    .type = WARD_COUNTER,
    .label = {"code"},
};
static struct ward_family seconds = {
    .name = "ward_db_statement_seconds",
    .help = "Duration of a database statement, including the network round trip.",
    .type = WARD_HISTOGRAM,
    .bounds = WARD_SECONDS,
};
static struct ward_family connects = {
    .name = "ward_db_connects_total",
    .help = "Number of connections to the database, by outcome. A number above the number of "
            "workers means reconnections.",
    .type = WARD_COUNTER,
    .label = {"code"},
};
WARD_METRIC_LISTED(statements)
WARD_METRIC_LISTED(seconds)
WARD_METRIC_LISTED(connects)

struct ward_val ward_text(const char *s)
{
    return (struct ward_val){s, s == NULL ? 0 : strlen(s)};
}

struct ward_val ward_blob(const void *p, size_t n)
{
    return (struct ward_val){p == NULL && n == 0 ? "" : p, n};
}

/* Formats without printf for speed, because every number of every statement is formatted
 * here. */
struct ward_val ward_int(struct ward_arena *mem, int64_t v)
{
    uint64_t left = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;
    char digits[24], *at = digits + sizeof(digits);

    *--at = '\0';
    do
        *--at = (char)('0' + left % 10);
    while ((left /= 10) != 0);
    if (v < 0)
        *--at = '-';
    return ward_text(ward_strdup(mem, at));
}

struct ward_val ward_num(struct ward_arena *mem, double v)
{
    return ward_text(ward_printf(mem, "%.17g", v));
}

enum ward_code ward_db_counted(enum ward_code code, int64_t began_ns)
{
    ward_metric_add(ward_series_of(&statements, ward_code_name(code), NULL, NULL), 1);
    ward_observe(&seconds, (double)(ward_mono_ns() - began_ns) / 1e9);
    return code;
}

void ward_db_disconnect(struct ward_db *db)
{
    for (int i = 0; i < DB_SETS; i++)
        for (int k = 0; k < DB_WAYS; k++) {
            if (db->cache[i][k].stmt != NULL)
                mysql_stmt_close(db->cache[i][k].stmt);
            free(db->cache[i][k].copy);
        }
    memset(db->cache, 0, sizeof(db->cache));
    if (db->my != NULL)
        mysql_close(db->my);
    db->my = NULL;
    db->limit_ms = 0;
    if (db->in_tx && db->tx_code == WARD_OK)
        db->tx_code = WARD_UNAVAILABLE;
}

enum ward_code ward_db_text(struct ward_db *db, const char *sql, struct ward_err *err)
{
    int64_t began = ward_mono_ns();

    if (mysql_real_query(db->my, sql, strlen(sql)) != 0)
        return ward_db_counted(
            ward_db_fail(db, mysql_errno(db->my), mysql_error(db->my), sql, err), began);
    return ward_db_counted(WARD_OK, began);
}

/* Limits the wait of each read and write; -1 for no limit. The connector's own option has a
 * resolution of 1 s and is read only while connecting. This function therefore sets the
 * option's field `timeout` (ma_pvio.h, installed for connection plugins). Over TLS, the timeout
 * of the socket applies. */
static void set_patience(struct ward_db *db, int ms)
{
    struct timeval t = {.tv_sec = ms < 0 ? 0 : ms / 1000,
                        .tv_usec = ms < 0 ? 0 : ms % 1000 * 1000};

    if (db->my->net.pvio == NULL)
        return;
    db->my->net.pvio->timeout[PVIO_READ_TIMEOUT] = ms;
    db->my->net.pvio->timeout[PVIO_WRITE_TIMEOUT] = ms;
    setsockopt(mysql_get_socket(db->my), SOL_SOCKET, SO_RCVTIMEO, &t, sizeof(t));
    setsockopt(mysql_get_socket(db->my), SOL_SOCKET, SO_SNDTIMEO, &t, sizeof(t));
}

/* Rounds a limit up to a step. Each step is a quarter longer than the previous step. Calls with
 * the same default deadline therefore share a limit, and most statements need no second round
 * trip. A statement therefore exceeds its limit by at most a quarter. */
static int rung(int64_t left_ms)
{
    double ms = 100;

    while ((int64_t)ms < left_ms)
        ms *= 1.25;
    return ms > STATEMENT_MS ? STATEMENT_MS : (int)ms;
}

enum ward_code ward_db_limit(struct ward_db *db, struct ward_err *err)
{
    int64_t left_ms = ward_left_ms(db->deadline_ns);
    char sql[64];
    int ms;

    if (db->unlimited)
        return WARD_OK;
    if (left_ms == 0)
        return WARD_FAIL(err, DEADLINE_EXCEEDED, "no time left for the database");
    ms = rung(left_ms > STATEMENT_MS ? STATEMENT_MS : left_ms);
    if (ms == db->limit_ms)
        return WARD_OK;
    snprintf(sql, sizeof(sql), "SET max_statement_time=%d.%03d", ms / 1000, ms % 1000);
    set_patience(db, ms + PATIENCE_MS);
    WARD_TRY(ward_db_text(db, sql, err));
    db->limit_ms = ms;
    return WARD_OK;
}

enum ward_code ward_db_unlimited(struct ward_db *db, struct ward_err *err)
{
    db->unlimited = true;
    set_patience(db, -1);
    return ward_db_text(db, "SET max_statement_time=0, lock_wait_timeout=60", err);
}

static void library_begin(void)
{
    mysql_library_init(0, NULL, NULL);
}

static bool given(const char *s)
{
    return s != NULL && *s != '\0';
}

static void set_options(MYSQL *my, const struct ward_db_config *cfg, unsigned connect_s)
{
    unsigned patience_s = STATEMENT_MS / 1000 + 1, no = 0, tcp = MYSQL_PROTOCOL_TCP;
    my_bool yes = 1;

    mysql_options(my, MYSQL_OPT_CONNECT_TIMEOUT, &connect_s);
    mysql_options(my, MYSQL_OPT_READ_TIMEOUT, &patience_s);
    mysql_options(my, MYSQL_OPT_WRITE_TIMEOUT, &patience_s);
    mysql_options(my, MYSQL_SET_CHARSET_NAME, "utf8mb4");
    mysql_options(my, MYSQL_OPT_LOCAL_INFILE, &no); /* no server may request local files */
    if (!given(cfg->socket)) /* otherwise, "localhost" would mean a default socket */
        mysql_options(my, MYSQL_OPT_PROTOCOL, &tcp);
    if (!given(cfg->tls_ca))
        return;
    mysql_options(my, MYSQL_OPT_SSL_ENFORCE, &yes);
    mysql_options(my, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, &yes);
    mysql_options(my, MYSQL_OPT_SSL_CA, cfg->tls_ca);
    if (given(cfg->tls_cert))
        mysql_options(my, MYSQL_OPT_SSL_CERT, cfg->tls_cert);
    if (given(cfg->tls_key))
        mysql_options(my, MYSQL_OPT_SSL_KEY, cfg->tls_key);
}

/* Records a failure before the session is usable. Whatever the error's number, the database is
 * unavailable. */
static enum ward_code connect_fail(struct ward_db *db, struct ward_err *err)
{
    char words[256];
    unsigned number = mysql_errno(db->my);

    snprintf(words, sizeof(words), "%s", mysql_error(db->my));
    ward_db_disconnect(db);
    WARD_FAIL(err, UNAVAILABLE, "the database is unavailable");
    return ward_err_detail(err, "MariaDB %u: %s", number, words), WARD_UNAVAILABLE;
}

static enum ward_code connect_once(struct ward_db *db, struct ward_err *err)
{
    static const char SESSION[] =
        "SET SESSION time_zone='+00:00', tx_isolation='READ-COMMITTED', autocommit=1,"
        " sql_mode='STRICT_ALL_TABLES,NO_ZERO_DATE,NO_ZERO_IN_DATE,ERROR_FOR_DIVISION_BY_ZERO,"
        "NO_ENGINE_SUBSTITUTION', innodb_lock_wait_timeout=5, wait_timeout=86400";
    static const char TX_ONLY[] = "SET SESSION autocommit=0";
    const struct ward_db_config *cfg = &db->cfg;
    bool local = given(cfg->socket);
    int64_t left_s = ward_left_ms(db->deadline_ns) / 1000 + 1;

    db->my = mysql_init(NULL);
    if (db->my == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory");
    set_options(db->my, cfg, left_s < CONNECT_S ? (unsigned)left_s : CONNECT_S);
    if (mysql_real_connect(db->my, local ? NULL : cfg->host, cfg->user, cfg->password,
                           given(cfg->name) ? cfg->name : NULL, (unsigned)cfg->port,
                           local ? cfg->socket : NULL, 0) == NULL)
        return connect_fail(db, err);
    set_patience(db, CONNECT_S * 1000);
    if (mysql_real_query(db->my, SESSION, sizeof(SESSION) - 1) != 0)
        return connect_fail(db, err);
    if (cfg->tx_only && mysql_real_query(db->my, TX_ONLY, sizeof(TX_ONLY) - 1) != 0)
        return connect_fail(db, err);
    if (!ward_db_meet(db))
        return connect_fail(db, err);
    db->outbox_from = 0;
    return WARD_OK;
}

/* Returns whether the connection must be opened again. Between two statements the server sends
 * nothing, so a readable connection is a connection that the server has closed. A check before
 * each statement avoids failed calls. A connection may also lead to a Galera node that is no
 * longer the writer. Returns false inside a transaction and during a migration, because a
 * transaction and a migration's lock end with their connection. */
static bool has_ended(const struct ward_db *db)
{
    struct pollfd p = {.fd = (int)mysql_get_socket(db->my), .events = POLLIN};

    if (db->in_tx || db->unlimited)
        return false;
    return ward_db_outdated(db) || poll(&p, 1, 0) > 0;
}

enum ward_code ward_db_connected(struct ward_db *db, struct ward_err *err)
{
    enum ward_code code;

    if (db->in_tx && db->tx_code != WARD_OK) {
        ward_err_set(err, db->tx_code, __FILE__, __LINE__,
                     "the database has rolled back this transaction");
        return db->tx_code;
    }
    if (db->my != NULL && has_ended(db))
        ward_db_disconnect(db);
    if (db->my != NULL)
        return WARD_OK;
    if (ward_left_ms(db->deadline_ns) == 0)
        return WARD_FAIL(err, DEADLINE_EXCEEDED, "no time left for the database");
    code = connect_once(db, err);
    ward_metric_add(ward_series_of(&connects, ward_code_name(code), NULL, NULL), 1);
    return code;
}

enum ward_code ward_db_open(const struct ward_db_config *cfg, struct ward_db **out,
                            struct ward_err *err)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    struct ward_db *db = calloc(1, sizeof(*db));
    enum ward_code code;

    if (db == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory");
    pthread_once(&once, library_begin); /* the first call of mysql_init is not thread-safe */
    db->cfg = *cfg;
    db->node = -1;
    db->deadline_ns = WARD_NO_DEADLINE;
    code = ward_db_connected(db, err);
    if (code != WARD_OK)
        ward_db_close(db);
    else
        *out = db;
    return code;
}

void ward_db_close(struct ward_db *db)
{
    if (db == NULL)
        return;
    ward_db_disconnect(db);
    free(db->bulk.p);
    free(db->bulk.len);
    free(db->bulk.null);
    free(db);
}

void ward_db_deadline(struct ward_db *db, int64_t deadline_ns)
{
    db->deadline_ns = deadline_ns;
}

enum ward_code ward_db_ping(struct ward_db *db, struct ward_err *err)
{
    WARD_TRY(ward_db_connected(db, err));
    WARD_TRY(ward_db_limit(db, err));
    return ward_db_text(db, "DO 1", err);
}
