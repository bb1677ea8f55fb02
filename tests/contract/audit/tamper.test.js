'use strict';
// Someone with every right on the database, while nobody looks, edits the log, cuts it, reorders it,
// or signs it again with a key of their own. Offline, with the pinned key and what an auditor kept (an
// older head, a receipt), `wardctl audit verify` finds each; the service finds what it can by itself.

const { test, before, after, beforeEach, describe } = require('node:test');
const assert = require('node:assert');
const crypto = require('node:crypto');
const fs = require('node:fs');
const path = require('node:path');
const { Ward } = require('../../lib/ward');
const { until } = require('../../lib/until');
const L = require('./log');

const { event } = L;
const ENTRIES = 40;
const TABLES = ['entry', 'node', 'head', 'signing_key', 'content_key', 'secret', 'erasing'];
let ward, identity, person, auditor;
let key, older, receipt, kept; // what the auditor noted down, in a folder of their own

const sql = (text) => ward.db.sql(text, 'audit');
const file = (name) => path.join(ward.dir, name);

function connect() {
  identity = ward.client('audit', { as: 'identity' });
  person = ward.client('audit', { as: 'wardctl' });
  auditor = { token: ward.token({ roles: ['auditor'], sub: 'auditor-1' }) };
}

// {status, findings} of the log as it is exported now.
async function verify(...more) {
  const log = L.writeExport(file('log.jsonl'), await L.exported(person, auditor));
  const r = await ward.wardctl('--json', 'audit', 'verify', '--key', key, '--log', log, ...more);
  const answer = JSON.parse(r.stdout);
  assert.equal(r.status, answer.verified ? 0 : 1);
  return { ...answer, what: answer.findings.map((f) => f.what) };
}
const keptAll = () => ['--checkpoint', file('older.note'), '--receipt', file('receipt.json')];

// The database as it was, whatever a test did to it.
async function save() {
  for (const t of TABLES) await sql(`CREATE OR REPLACE TABLE saved_${t} AS SELECT * FROM ${t}`);
}
async function restore() {
  for (const t of TABLES) await sql(`DELETE FROM ${t}; INSERT INTO ${t} SELECT * FROM saved_${t}`);
}
// Does something to the database while the service, and its anchor file, are not there.
async function meanwhile(something) {
  await ward.services.audit.stop();
  fs.rmSync(file('log/audit.anchor'), { force: true });
  await something();
  await ward.services.audit.start();
}

before(async () => {
  ward = await Ward.start({ services: ['audit'] });
  connect();
  for (let i = 0; i < ENTRIES; i++) {
    await identity.call('Append', { events: [event({ patient: `patient-${i % 4}` })] });
    if (i === ENTRIES / 2) fs.writeFileSync(file('older.note'), (await person.call('GetCheckpoint')).checkpoint);
  }
  kept = event({ patient: 'kept' });
  await identity.call('Append', { events: [kept] });
  receipt = (await identity.call('GetReceipt', { event_id: kept.event_id })).receipt;
  L.writeReceipt(file('receipt.json'), receipt);
  older = fs.readFileSync(file('older.note'), 'utf8');
  [{ vkey: key }] = (await person.call('ListKeys')).keys;
  await save();
});
after(() => ward && ward.stop());
beforeEach(async () => {
  await meanwhile(restore);
});

test('an untouched log verifies, with an older head and a receipt', async () => {
  const v = await verify(...keptAll());
  assert.deepEqual(v.findings, []);
  assert.equal(v.verified, true);
  assert.ok(v.entries >= ENTRIES + 1);
  assert.equal(v.contents, v.entries);
});

test('an edited content is found, by index', async () => {
  const [[other]] = await sql('SELECT HEX(content) FROM entry WHERE idx = 9');
  await sql(`UPDATE entry SET content = UNHEX('${other}') WHERE idx = 5`);
  const v = await verify();
  assert.ok(v.what.includes('CONTENT'));
  assert.ok(v.findings.some((f) => f.index === 5));
  const [[id]] = await sql('SELECT LOWER(HEX(event_id)) FROM entry WHERE idx = 5');
  const f = await identity.failure('GetReceipt', { event_id: id.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-') });
  assert.equal(f.code, 'DATA_LOSS');
});

test('a content taken away without its key is found', async () => {
  await sql('UPDATE entry SET content = NULL WHERE idx = 6');
  const v = await verify();
  assert.deepEqual(v.what, ['CONTENT']);
  assert.equal(v.findings[0].index, 6);
});

test('an edited leaf is found: the entries no longer make the signed head', async () => {
  await sql(`UPDATE entry SET leaf = INSERT(leaf, LENGTH(leaf), 1, CHAR(ASCII(RIGHT(leaf, 1)) ^ 1)) WHERE idx = 3`);
  const v = await verify(...keptAll());
  assert.ok(v.what.includes('ROOT'));
  assert.ok(v.what.includes('HISTORY')); // before the older head, so the place is known
  assert.ok(v.what.includes('CONTENT'));
});

test('another event put in its place, content, leaf and all, is found', async () => {
  await sql(`UPDATE entry SET leaf = (SELECT leaf FROM saved_entry WHERE idx = 8), content = (SELECT content FROM saved_entry WHERE idx = 8),
    key_id = (SELECT key_id FROM saved_entry WHERE idx = 8) WHERE idx = 2`);
  const v = await verify();
  assert.ok(v.what.includes('ROOT') && v.what.includes('TWICE'));
});

test('two entries that changed places are found', async () => {
  await sql(`SET @n = 1000000; UPDATE entry SET idx = @n WHERE idx = 4; UPDATE entry SET idx = 4 WHERE idx = 7; UPDATE entry SET idx = 7 WHERE idx = @n`);
  const v = await verify(...keptAll());
  assert.ok(v.what.includes('ROOT') && v.what.includes('HISTORY'));
});

test('an entry taken out of the middle is found', async () => {
  await sql('DELETE FROM entry WHERE idx = 10');
  const v = await verify();
  assert.ok(v.what.includes('INDEX') && v.what.includes('CUT'));
  assert.ok(v.findings.some((f) => f.index === 11));
});

describe('a log cut back to what it was, head and all', () => {
  // Every table as it was after `size` entries, with the head that was really signed then.
  async function cutTo(size, note) {
    const hashes = (await sql('SELECT HEX(leaf) FROM entry ORDER BY idx')).slice(0, size).map(([h]) => L.leafHash(Buffer.from(h, 'hex')));
    const frontier = [];
    for (let at = 0, k = 62; k >= 0; k--) {
      const width = 2 ** k;
      if (Math.floor(size / width) % 2 === 0) continue;
      frontier.push(L.root(hashes.slice(at, at + width)));
      at += width;
    }
    await sql(`DELETE FROM entry WHERE idx >= ${size};
      DELETE FROM node WHERE (pos + 1) << level > ${size};
      UPDATE head SET size = ${size}, root = UNHEX('${L.root(hashes).toString('hex')}'),
        frontier = UNHEX('${Buffer.concat(frontier).toString('hex')}'), note = UNHEX('${Buffer.from(note).toString('hex')}')`);
  }
  const sizeOf = (note) => Number(note.split('\n')[1]);

  test('is found by a receipt from what is gone', async () => {
    await meanwhile(() => cutTo(sizeOf(older), older));
    const v = await verify('--receipt', file('receipt.json'));
    assert.ok(v.what.includes('CUT'));
  });

  test('is found by a newer head that the auditor kept', async () => {
    fs.writeFileSync(file('newer.note'), receipt.checkpoint);
    await meanwhile(() => cutTo(sizeOf(older), older));
    const v = await verify('--checkpoint', file('newer.note'));
    assert.ok(v.what.includes('CUT'));
  });

  test('and appended to again is found by what the auditor kept', async () => {
    await meanwhile(() => cutTo(sizeOf(older), older));
    for (let i = 0; i < ENTRIES; i++) await identity.call('Append', { events: [event()] });
    const alone = await verify();
    assert.deepEqual(alone.what, []); // signed by the true key: only memory tells
    const v = await verify('--receipt', file('receipt.json'));
    assert.ok(v.what.includes('HISTORY') && v.what.includes('RECEIPT'));
    fs.writeFileSync(file('newer.note'), receipt.checkpoint);
    assert.ok((await verify('--checkpoint', file('newer.note'))).what.includes('HISTORY'));
  });

  test('is noticed by a running service, which appends no more and is not ready', async () => {
    await identity.call('Append', { events: [event()] });
    await cutTo(sizeOf(older), older);
    const f = await identity.failure('Append', { events: [event()] });
    assert.equal(f.code, 'DATA_LOSS');
    assert.equal(f.reason, 'LOG_TAMPERED');
    await until('not ready', async () => {
      const { status, text } = await ward.services.audit.admin('/readyz');
      return status === 503 && /log/.test(text);
    });
    const v = await verify(...keptAll()); // it can still be got out and looked at
    assert.ok(v.what.includes('CUT'));
  });

  test('is noticed at start by the anchor file', async () => {
    await identity.call('Append', { events: [event()] });
    await until('anchored', () => fs.existsSync(file('log/audit.anchor')) && sizeOf(fs.readFileSync(file('log/audit.anchor'), 'utf8')) > ENTRIES);
    await ward.services.audit.stop();
    await cutTo(sizeOf(older), older);
    await assert.rejects(ward.services.audit.start(), /shorter than the anchor file/);
    fs.rmSync(file('log/audit.anchor'));
    await ward.services.audit.start();
  });
});

describe('what the service finds at start or at the next append', () => {
  async function refusesToStart(words) {
    await assert.rejects(ward.services.audit.start(), words);
    await restore();
    await ward.services.audit.start();
  }

  test('a head that nobody signed', async () => {
    await ward.services.audit.stop();
    await sql(`UPDATE head SET note = INSERT(note, LENGTH(note) - 10, 1, IF(SUBSTRING(note, LENGTH(note) - 10, 1) = 'A', 'B', 'A'))`);
    await refusesToStart(/not signed|cannot be read/);
  });

  test('entries beyond the head, and entries missing before it', async () => {
    await sql(`INSERT INTO entry SELECT idx + 100000, UNHEX(MD5(idx)), occurred_at_us, outcome, service, patient, actor, action, key_id, leaf, content FROM saved_entry WHERE idx = 1`);
    const f = await identity.failure('Append', { events: [event()] });
    assert.equal(f.code, 'DATA_LOSS');
    await ward.services.audit.stop();
    await sql('DELETE FROM entry WHERE idx > 30');
    await refusesToStart(/fewer entries/);
  });

  test('a tree whose stored nodes were edited', async () => {
    await ward.services.audit.stop();
    await sql(`UPDATE node SET hash = UNHEX('${crypto.randomBytes(32).toString('hex')}') WHERE level = 4 AND pos = 0`);
    await refusesToStart(/does not match its signed head/);
  });

  test('a signing key that someone put in the place of ours', async () => {
    await ward.services.audit.stop();
    await sql(`UPDATE signing_key SET wrapped = UNHEX('${crypto.randomBytes(60).toString('hex')}')`);
    await refusesToStart(/cannot be decrypted/);
  });
});

test('a whole log made again under another key is found by the pinned key alone', async () => {
  const forger = await Ward.start({ services: ['audit'] });
  try {
    const identityOfForger = forger.client('audit', { as: 'identity' });
    const personOfForger = forger.client('audit', { as: 'wardctl' });
    const log = await L.exported(person, auditor);
    for (let i = 0; i < log.entries.length; i++) await identityOfForger.call('Append', { events: [event()] });
    const forged = await L.exported(personOfForger, { token: forger.token({ roles: ['auditor'] }) });
    L.writeExport(file('forged.jsonl'), forged);
    const r = await ward.wardctl('--json', 'audit', 'verify', '--key', key, '--log', file('forged.jsonl'));
    assert.equal(r.status, 1);
    assert.ok(JSON.parse(r.stdout).findings.some((f) => f.what === 'SIGNATURE'));
    // The forger's own key would have said yes: the key in the file is never the one to trust.
    const own = await ward.wardctl('audit', 'verify', '--key', forged.header.keys[0].vkey, '--log', file('forged.jsonl'));
    assert.equal(own.status, 0);
    // Nor does it help to claim a handover that the pinned key never signed.
    forged.header.keys.push({ vkey: forged.header.keys[0].vkey, handover: forged.header.checkpoint });
    L.writeExport(file('forged.jsonl'), forged);
    const claimed = await ward.wardctl('audit', 'verify', '--key', key, '--log', file('forged.jsonl'));
    assert.equal(claimed.status, 1);
  } finally {
    await forger.stop();
  }
});

test('two heads are compared offline by their proof', async () => {
  const note = (await person.call('GetCheckpoint')).checkpoint;
  const [from, to] = [older, note].map((n) => Number(n.split('\n')[1]));
  const { proof } = await person.call('GetConsistencyProof', { from, to });
  assert.ok(to > from && proof.length > 0);
  fs.writeFileSync(file('head.json'), JSON.stringify({
    ward_head: 1, checkpoint: note, old_size: from, proof: proof.map((h) => h.toString('base64')), handovers: [],
  }));
  const good = await ward.wardctl('audit', 'verify', '--key', key, '--head', file('head.json'), '--checkpoint', file('older.note'));
  assert.equal(good.status, 0, good.lines.join('\n'));
  const head = JSON.parse(fs.readFileSync(file('head.json')));
  head.proof[0] = crypto.randomBytes(32).toString('base64');
  fs.writeFileSync(file('head.json'), JSON.stringify(head));
  const bad = await ward.wardctl('--json', 'audit', 'verify', '--key', key, '--head', file('head.json'), '--checkpoint', file('older.note'));
  assert.equal(bad.status, 1);
  assert.ok(JSON.parse(bad.stdout).findings.some((f) => f.what === 'HISTORY'));
});

test('a line that another program would read otherwise is found', async () => {
  L.writeExport(file('plain.jsonl'), await L.exported(person, auditor));
  const lines = fs.readFileSync(file('plain.jsonl'), 'utf8').split('\n');
  const changes = {
    twice: lines[3].replace(/}$/, ',"event":"AAAA"}'), // JSON.parse shows the last, yajl the first
    comment: lines[3].replace(/}$/, '/* erased */}'),
    'after a NUL': `${lines[3]}\0{"index":2}`,
    'an escaped NUL': lines[3].replace(/"salt":"/, '"salt":"AA\\u0000'),
  };
  for (const [name, line] of Object.entries(changes)) {
    assert.notEqual(line, lines[3], name);
    fs.writeFileSync(file('twins.jsonl'), lines.map((l, i) => (i === 3 ? line : l)).join('\n'));
    const r = await ward.wardctl('--json', 'audit', 'verify', '--key', key, '--log', file('twins.jsonl'));
    assert.equal(r.status, 1, name);
    assert.ok(JSON.parse(r.stdout).findings.some((f) => f.what === 'LINE' && f.index === 2), name);
  }
});

test('a file cut short is found, wherever it was cut and whatever its first line claims', async () => {
  const whole = fs.readFileSync(L.writeExport(file('whole.jsonl'), await L.exported(person, auditor)), 'utf8');
  const [header, ...entries] = whole.split('\n').slice(0, -1);
  const claims = (size) => JSON.stringify({ ...JSON.parse(header), size });
  const cuts = {
    'all entries': header,
    'all entries, and none claimed': claims(0),
    'the last one': [header, ...entries.slice(0, -1)].join('\n'),
    'the last one, and so claimed': [claims(entries.length - 1), ...entries.slice(0, -1)].join('\n'),
    'the first one': [header, ...entries.slice(1)].join('\n'),
    'within a line': whole.slice(0, -20),
  };
  for (const [name, text] of Object.entries(cuts)) {
    fs.writeFileSync(file('cut.jsonl'), `${text}\n`);
    const r = await ward.wardctl('--json', 'audit', 'verify', '--key', key, '--log', file('cut.jsonl'));
    assert.equal(r.status, 1, name);
    assert.ok(JSON.parse(r.stdout).findings.some((f) => f.what === 'CUT'), name);
  }
});

test('files that are no files of ours are refused in words, not crashed on', async () => {
  for (const text of ['', '{}', 'not json\n', '{"ward_export":1}\n', '[1,2,3]\n', '{"ward_receipt":2}\n',
    `{"ward_export":1,"more":${'['.repeat(400000)}${']'.repeat(400000)}}\n`, '{"ward_export":1}\0\n']) {
    fs.writeFileSync(file('junk'), text);
    for (const option of ['--log', '--receipt']) {
      const r = await ward.wardctl('--json', 'audit', 'verify', '--key', key, option, file('junk'));
      assert.equal(r.status, 1);
      assert.equal(JSON.parse(r.lines.join('')).error.code, 'INVALID_ARGUMENT');
    }
  }
  assert.equal((await ward.wardctl('audit', 'verify', '--log', file('junk'))).status, 2);
});
