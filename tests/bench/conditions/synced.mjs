// synced.mjs - a bench's database syncs each commit to the disk and has the memory of the embedded default's (deploy/local/my.cnf).
// That of the tests syncs nothing and is small (tests/lib/mariadb.js), so a bench that says "durable" asks the server first.
import { strict as assert } from 'node:assert';

// For Ward.start and Site.start.
export const mariadb = () => 'innodb-flush-log-at-trx-commit=1\ninnodb-flush-method=O_DIRECT\n' +
  'innodb-buffer-pool-size=256M\ninnodb-log-buffer-size=16M\naria-pagecache-buffer-size=16M\n';

export async function mustSync(db) {
  const [row] = await db.sql('SELECT @@innodb_flush_log_at_trx_commit, @@innodb_flush_method');
  assert.deepEqual(row, ['1', 'O_DIRECT'], 'the database does not sync its commits: start it with mariadb of synced.mjs');
}
