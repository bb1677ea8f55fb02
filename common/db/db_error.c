#include "common/db/db_internal.h"

#include <errmsg.h>
#include <mysqld_error.h>
#include <stdio.h>
#include <string.h>

/* Error numbers and their codes. All other error numbers are INTERNAL. */
static const struct {
    unsigned number;
    enum ward_code code;
} codes[] = {
    {ER_DUP_ENTRY, WARD_ALREADY_EXISTS},
    {ER_DUP_ENTRY_WITH_KEY_NAME, WARD_ALREADY_EXISTS},
    {ER_DUP_KEY, WARD_ALREADY_EXISTS},
    {ER_NO_REFERENCED_ROW, WARD_FAILED_PRECONDITION},
    {ER_NO_REFERENCED_ROW_2, WARD_FAILED_PRECONDITION},
    {ER_ROW_IS_REFERENCED, WARD_FAILED_PRECONDITION},
    {ER_ROW_IS_REFERENCED_2, WARD_FAILED_PRECONDITION},
    {ER_CONSTRAINT_FAILED, WARD_FAILED_PRECONDITION},
    {ER_SIGNAL_EXCEPTION, WARD_FAILED_PRECONDITION}, /* raised by Ward's triggers */
    {ER_LOCK_DEADLOCK, WARD_ABORTED},
    {ER_LOCK_WAIT_TIMEOUT, WARD_ABORTED},
    {ER_CHECKREAD, WARD_ABORTED},
    {ER_STATEMENT_TIMEOUT, WARD_DEADLINE_EXCEEDED},
    {ER_NET_PACKET_TOO_LARGE, WARD_RESOURCE_EXHAUSTED},
    {ER_RECORD_FILE_FULL, WARD_RESOURCE_EXHAUSTED},
    {ER_DISK_FULL, WARD_RESOURCE_EXHAUSTED},
    {ER_LOCK_TABLE_FULL, WARD_RESOURCE_EXHAUSTED},
    {ER_OUT_OF_RESOURCES, WARD_RESOURCE_EXHAUSTED},
    {CR_OUT_OF_MEMORY, WARD_RESOURCE_EXHAUSTED},
    {CR_NET_PACKET_TOO_LARGE, WARD_RESOURCE_EXHAUSTED},
    {ER_SERVER_SHUTDOWN, WARD_UNAVAILABLE},
    {ER_CONNECTION_KILLED, WARD_UNAVAILABLE},
    {ER_QUERY_INTERRUPTED, WARD_UNAVAILABLE},
    {ER_CON_COUNT_ERROR, WARD_UNAVAILABLE},
    {ER_TOO_MANY_USER_CONNECTIONS, WARD_UNAVAILABLE},
    {ER_HOST_IS_BLOCKED, WARD_UNAVAILABLE},
    {ER_OPTION_PREVENTS_STATEMENT, WARD_UNAVAILABLE}, /* read-only: a replica, or maintenance */
    {ER_UNKNOWN_COM_ERROR, WARD_UNAVAILABLE},         /* Galera: this node has not joined yet */
    {ER_NET_READ_ERROR, WARD_UNAVAILABLE},
    {ER_NET_READ_INTERRUPTED, WARD_UNAVAILABLE},
    {ER_NET_ERROR_ON_WRITE, WARD_UNAVAILABLE},
    {ER_NET_WRITE_INTERRUPTED, WARD_UNAVAILABLE},
    {CR_SOCKET_CREATE_ERROR, WARD_UNAVAILABLE},
    {CR_CONNECTION_ERROR, WARD_UNAVAILABLE},
    {CR_CONN_HOST_ERROR, WARD_UNAVAILABLE},
    {CR_IPSOCK_ERROR, WARD_UNAVAILABLE},
    {CR_UNKNOWN_HOST, WARD_UNAVAILABLE},
    {CR_SERVER_GONE_ERROR, WARD_UNAVAILABLE},
    {CR_SERVER_LOST, WARD_UNAVAILABLE},
    {CR_SERVER_LOST_EXTENDED, WARD_UNAVAILABLE},
    {CR_SERVER_HANDSHAKE_ERR, WARD_UNAVAILABLE},
    {CR_SSL_CONNECTION_ERROR, WARD_UNAVAILABLE},
    {CR_MALFORMED_PACKET, WARD_UNAVAILABLE},
    {CR_COMMANDS_OUT_OF_SYNC, WARD_UNAVAILABLE},
    {CR_ERR_NET_READ, WARD_UNAVAILABLE},
    {CR_ERR_NET_WRITE, WARD_UNAVAILABLE},
};

static enum ward_code code_of(unsigned number)
{
    for (size_t i = 0; i < WARD_COUNT(codes); i++)
        if (codes[i].number == number)
            return codes[i].code;
    return WARD_INTERNAL;
}

/* Returns the text for the caller. The text contains no table, column or value. */
static const char *sentence(enum ward_code code)
{
    switch (code) {
    case WARD_ALREADY_EXISTS:
        return "a record with this key exists";
    case WARD_FAILED_PRECONDITION:
        return "another record forbids this change";
    case WARD_ABORTED:
        return "another change came first; repeat the whole transaction";
    case WARD_DEADLINE_EXCEEDED:
        return "the database did not answer in time";
    case WARD_RESOURCE_EXHAUSTED:
        return "the request is too large for the database";
    case WARD_UNAVAILABLE:
        return "the database is unavailable";
    default:
        return "the database refused the statement";
    }
}

/* The server quotes values in its messages, and a value may be patient data. A message is
 * passed unchanged only if it quotes no more than names of Ward's schema. */
static bool quotes_names_only(unsigned number)
{
    return number >= CR_MIN_ERROR || number == ER_ACCESS_DENIED_ERROR ||
           number == ER_DBACCESS_DENIED_ERROR || number == ER_TABLEACCESS_DENIED_ERROR ||
           number == ER_COLUMNACCESS_DENIED_ERROR || number == ER_BAD_DB_ERROR ||
           number == ER_BAD_FIELD_ERROR || number == ER_NO_SUCH_TABLE ||
           number == ER_PARSE_ERROR || number == ER_TABLE_EXISTS_ERROR ||
           number == ER_BAD_NULL_ERROR || number == ER_NO_DEFAULT_FOR_FIELD ||
           number == ER_DATA_TOO_LONG || number == ER_WARN_DATA_OUT_OF_RANGE;
}

static void redact(unsigned number, const char *words, char *out, size_t size)
{
    const char *first = strchr(words, '\''), *last = strrchr(words, '\'');
    const char *key = NULL;

    if (first == NULL || last == first || quotes_names_only(number)) {
        snprintf(out, size, "%s", words);
        return;
    }
    /* In "Duplicate entry 'VALUE' for key 'NAME'", the name follows the last " for key ". */
    if (code_of(number) == WARD_ALREADY_EXISTS)
        for (const char *at = first; (at = strstr(at, " for key ")) != NULL; at++)
            key = at;
    snprintf(out, size, "%.*s'...'%s", (int)(first - words), words,
             key != NULL ? key : last + 1);
}

enum ward_code ward_db_fail(struct ward_db *db, unsigned number, const char *words,
                            const char *sql, struct ward_err *err)
{
    enum ward_code code = code_of(number);
    bool lost = number >= CR_MIN_ERROR || number == ER_SERVER_SHUTDOWN ||
                number == ER_CONNECTION_KILLED || number == ER_NET_PACKET_TOO_LARGE;
    char clean[220];

    redact(number, words, clean, sizeof(clean)); /* before disconnecting, which frees `words` */
    /* The client's timeout ended the wait for a silent server. */
    if (code == WARD_UNAVAILABLE && lost && ward_left_ms(db->deadline_ns) == 0)
        code = WARD_DEADLINE_EXCEEDED;
    ward_err_set(err, code, __FILE__, __LINE__, "%s", sentence(code));
    ward_err_detail(err, "MariaDB %u: %s; in: %.80s", number, clean, sql);
    /* The server has rolled back. Further statements of the caller would not belong to the
     * transaction. */
    if (db->in_tx && (code == WARD_ABORTED || lost))
        db->tx_code = code;
    if (lost)
        ward_db_disconnect(db);
    return code;
}
