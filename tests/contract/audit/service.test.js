'use strict';
// What audit promises across a restart and while its database is away, by a client not ours.

const { test, before, after, describe } = require('node:test');
const assert = require('node:assert');
const { start } = require('./site');
const { event } = require('./log');

let ward, identity, append, query;
before(async () => { ({ ward, identity, append, query } = await start()); });
after(() => ward && ward.stop());

describe('a log that lives on', () => {
  test('a restarted service goes on where it was, and knows what it had', async () => {
    const e = event();
    const a = await append(e);
    await ward.services.audit.kill();
    await ward.services.audit.start();
    const b = await append(e);
    assert.equal(b.appended[0].duplicate, true);
    assert.equal(b.appended[0].index, a.appended[0].index);
  });

  test('while the database is away, appending is unavailable; then it goes on', async () => {
    await ward.db.kill();
    const e = event();
    const f = await identity.failure('Append', { events: [e] }, { deadline: 8000 });
    assert.ok(['UNAVAILABLE', 'DEADLINE_EXCEEDED'].includes(f.code), f.code);
    await ward.db.restart();
    assert.equal((await append(e)).appended.length, 1);
  });

  test('its metrics tell of it', async () => {
    assert.ok((await query({ patient: 'patient-1' })).records.length > 0); // by auditor-1
    const { text } = await ward.services.audit.admin('/metrics');
    assert.match(text, /^ward_audit_appended_total \d+/m);
    assert.match(text, /^ward_audit_log_size_events \d+/m);
    assert.doesNotMatch(text, /patient-1|nurse-7/);
    assert.ok(!ward.services.audit.proc.lines.some((l) => /patient-1|nurse-7|auditor-1/.test(l)));
  });
});
