'use strict';
// Statements on a MariaDB's unix socket by a client library, with every right on it: rows as the text that `mariadb -N -B` would
// print. A connection that is free is used again; one that nobody used for a while is closed.

const IDLE_MS = 500;

// What -B prints of a column.
const ESCAPED = { '\n': '\\n', '\t': '\\t', '\\': '\\\\', '\0': '\\0' };
const printed = (text) => (text === null ? 'NULL' : text.replace(/[\n\t\\\0]/g, (c) => ESCAPED[c]));
const typeCast = (column) => column.buffer()?.toString() ?? null;
// One statement's rows have `meta`; several statements' results are a list; what has no rows is an object.
function rowsOf(result) {
  if (!Array.isArray(result)) return [];
  return result.meta ? result.map((row) => row.map(printed)) : result.flatMap(rowsOf);
}

class Sql {
  constructor(socket, user = 'root') {
    this.socket = socket;
    this.user = user;
    this.free = new Map(); // schema -> [{connection, timer}]
  }

  freeOf(schema) {
    if (!this.free.has(schema)) this.free.set(schema, []);
    return this.free.get(schema);
  }

  connect(schema) {
    const mariadb = require('mariadb'); // by those who ask: it takes a while to load
    return mariadb.createConnection({
      socketPath: this.socket, user: this.user, database: schema, multipleStatements: true, rowsAsArray: true, typeCast,
      connectTimeout: 60000,
    }).then((connection) => connection.on('error', () => {}));
  }

  // One that answers: of those that are free, else a new one.
  async take(schema) {
    const free = this.freeOf(schema);
    while (free.length > 0) {
      const { connection, timer } = free.pop();
      clearTimeout(timer);
      if (await connection.ping().then(() => true, () => false)) return connection;
      connection.destroy();
    }
    return this.connect(schema);
  }

  // For the next one; what was asked has been answered, whatever becomes of the connection.
  async give(schema, connection) {
    if (!await connection.reset().then(() => true, () => false)) return connection.destroy();
    const free = this.freeOf(schema);
    const one = { connection };
    one.timer = setTimeout(() => {
      free.splice(free.indexOf(one), 1);
      connection.destroy();
    }, IDLE_MS);
    free.push(one);
    return undefined;
  }

  // The rows of all statements, one after another.
  async rows(statement, schema) {
    const connection = await this.take(schema);
    try {
      const result = await connection.query(statement);
      await this.give(schema, connection);
      return rowsOf(result);
    } catch (err) {
      connection.destroy();
      throw new Error(`${statement}: ${err.sqlMessage ?? err.message}`);
    }
  }
}

module.exports = { Sql };
