'use strict';
// RotateKeys and RenewTemplates, while two replicas verify and search; and the root key changed.

const { test, before, after, describe } = require('node:test');
const assert = require('node:assert');
const crypto = require('node:crypto');
const fs = require('node:fs');
const path = require('node:path');
const { Site, until, skip, UUID, to, ROLES } = require('./site');

let site, anna, bert, verifiers, galleries, admins, officer;
const MANY = { WARD_FACE_MISSES_HOUR: '1000', WARD_SEARCH_MISSES_HOUR: '100000' }; // what is waited for is often a NO_MATCH
before(async () => {
  if (skip) return;
  site = await Site.start({ services: ['identity', 'identity2'], env: { identity: MANY, identity2: MANY } });
  verifiers = [site.wardctl, site.ward.client('identity2', { api: 'identity' })];
  galleries = [site.gallery, site.ward.client('identity2', { api: 'gallery' })];
  admins = [site.admin, site.ward.client('identity2', { api: 'admin' })];
  officer = site.tokens['security-officer'];
  await site.admin.call('SetUsePolicy', {
    policy: { purpose: 'rounds', liveness: 'LIVENESS_POLICY_NONE', allow_face: true, allow_wristband: true, allow_search: true },
  }, officer);
  const found = { more_consents: [to('patient-search')] };
  anna = (await site.enrol(site.anna, found)).subject_id;
  bert = (await site.enrol(site.bert, found)).subject_id;
  for (let i = 0; i < 3; i++) await site.enrol(site.anna, { kind: 'SUBJECT_KIND_STAFF', consent: to('staff-access') });
  for (const gallery of galleries) await until('followed', () => search(gallery).then((a) => a.gallery_size === '2', () => false));
});
after(() => site && site.stop());

const verify = async (client, id = anna, photograph = site.annaAgain) => (await client.call('Verify', site.verification(id, photograph), site.tokens.nurse)).outcome;
const search = (client) => client.call('Identify', { gallery: 'patients', photograph: site.annaAgain, place: 'ward-3/bed-2', purpose: 'rounds' }, site.tokens.nurse);
const status = (admin) => admin.call('GetStatus', {}, site.tokens.auditor);
async function run(admin, method, request = {}, who = officer) {
  const said = [];
  for await (const m of admin.stream(method, request, who)) said.push(m);
  assert.ok(said.length >= 2);
  assert.deepEqual(said.map((m) => m.finished), said.map((_, i) => i === said.length - 1));
  for (let i = 1; i < said.length; i++) assert.ok(Number(said[i].done) >= Number(said[i - 1].done));
  const last = said.at(-1);
  assert.equal(last.done, last.total);
  assert.match(last.event_id, UUID);
  return last;
}
const refusal = (admin, method, request, who) => run(admin, method, request, who).then(() => 'OK', (e) => e.reason || e.code);
const denied = (admin, method, request, who) => run(admin, method, request, who).then(() => 'OK', (e) => e.code);

// Everyone is still who they are, on both replicas, face and gallery, and nobody is another.
async function allIsWell() {
  for (const client of verifiers) {
    assert.deepEqual([await verify(client), await verify(client, bert, site.bert), await verify(client, bert)], ['OUTCOME_MATCH', 'OUTCOME_MATCH', 'OUTCOME_NO_MATCH']);
  }
  for (const gallery of galleries) {
    const a = await search(gallery);
    assert.deepEqual([a.outcome, a.candidates.map((c) => c.subject_id), a.gallery_size], ['IDENTIFY_OUTCOME_MATCH', [anna], '2']);
  }
}

// Callers on both replicas until `work` is done, and a moment longer.
async function besideCallers(work) {
  let on = true;
  const answers = { verified: 0, found: 0 };
  const callers = [0, 1].flatMap((i) => [
    (async () => { while (on) { assert.equal(await verify(verifiers[i]), 'OUTCOME_MATCH'); answers.verified++; } })(),
    (async () => { while (on) { assert.equal((await search(galleries[i])).outcome, 'IDENTIFY_OUTCOME_MATCH'); answers.found++; } })(),
  ]);
  const failed = Promise.all(callers);
  failed.catch(() => {}); // it is awaited below
  try {
    await work();
    const enough = { verified: answers.verified + 6, found: answers.found + 6 };
    await Promise.race([failed, until('answered after it', () => answers.verified >= enough.verified && answers.found >= enough.found)]);
  } finally {
    on = false;
    await failed;
  }
}

const keks = () => site.sql('SELECT kek, root_id, HEX(sealed) FROM kek');
const wrapped = () => site.sql('SELECT kek, HEX(wrapped) FROM face_key ORDER BY subject_id');

describe('RotateKeys', { skip }, () => {
  test('wraps every key anew, destroys the former key-encryption key, and nobody notices', async () => {
    await allIsWell();
    const [[former], [before]] = [await keks(), await wrapped()];
    let last;
    await besideCallers(async () => { for (let i = 0; i < 3; i++) last = await run(admins[i % 2], 'RotateKeys'); });
    assert.deepEqual([last.kek, last.keks_destroyed], [Number(former[0]) + 3, 1]);
    // Keys of five subjects, two transforms, the hash of identifiers and the signing key at least.
    assert.ok(Number(last.done) >= 9, last.done);
    const rows = await keks();
    assert.deepEqual(rows.map((r) => r[0]), [String(last.kek)]);
    assert.notEqual(rows[0][2], former[2]);
    const after = await wrapped();
    assert.ok(after.length === 5 && after.every((r) => r[0] === String(last.kek)));
    assert.notEqual(after[0][1], before[1]);
    for (const admin of admins) {
      const s = await status(admin);
      assert.deepEqual([s.kek, s.rows_on_former_keks], [last.kek, '0']);
    }
    const e = (await site.outbox()).filter((x) => x.action.endsWith('/RotateKeys')).at(-1);
    assert.deepEqual([e.outcome, e.actor, e.detail.kek, e.detail.keks_destroyed, e.detail.rows],
      ['OUTCOME_SUCCESS', 'security-officer-1', String(last.kek), '1', last.done]);
    assert.equal(e.event_id, last.event_id);
    await allIsWell();
  });

  test('called four times at once on two replicas, all finish and one key is left', async () => {
    const many = await Promise.all([0, 1, 2, 3].map((i) => run(admins[i % 2], 'RotateKeys')));
    const rows = await keks();
    assert.deepEqual(rows.map((r) => r[0]), [String(Math.max(...many.map((m) => m.kek)))]);
    assert.equal((await status(admins[0])).rows_on_former_keks, '0');
    await allIsWell();
  });

  test('a caller who goes away leaves it to the next', async () => {
    const [[before]] = await keks();
    const stream = site.admin.stream('RotateKeys', {}, officer);
    for await (const m of stream) { assert.equal(m.finished, false); break; }
    stream.cancel();
    const last = await run(admins[1], 'RotateKeys');
    assert.ok(last.kek > Number(before));
    assert.equal((await keks()).length, 1);
    await allIsWell();
  });

  test('is for security-officer by wardctl', () => officersOnly('RotateKeys', {}));
});

async function officersOnly(method, request) {
  for (const role of ROLES.filter((r) => r !== 'security-officer')) {
    assert.equal(await denied(site.admin, method, request, site.tokens[role]), 'PERMISSION_DENIED', role);
  }
  assert.equal(await denied(site.admin, method, request, {}), 'UNAUTHENTICATED');
  assert.equal(await denied(site.ward.client('identity', { as: 'gateway', api: 'admin' }), method, request), 'PERMISSION_DENIED');
}

describe('RenewTemplates', { skip }, () => {
  const stored = (kind) => site.sql('SELECT t.generation, HEX(t.sealed) FROM template t JOIN subject s ON s.subject_id = t.subject_id ' +
    `WHERE s.kind = ${kind} ORDER BY t.template_id`);
  const turns = (kind) => site.sql(`SELECT generation, HEX(sealed) FROM secret WHERE use_name = 'turn' AND kind = ${kind}`);

  test('turns every template of the kind by a new key and destroys the old one, and nobody notices', async () => {
    const [before, staff] = [await stored(1), await stored(2)];
    const [[former]] = await turns(1);
    let last;
    await besideCallers(async () => { for (let i = 0; i < 3; i++) last = await run(admins[i % 2], 'RenewTemplates', { kind: 'SUBJECT_KIND_PATIENT' }); });
    assert.equal(last.generation, Number(former) + 3);
    assert.equal(last.done, '2');
    assert.deepEqual((await turns(1)).map((r) => r[0]), [String(last.generation)]);
    const now = await stored(1);
    assert.deepEqual(now.map((r) => r[0]), [String(last.generation), String(last.generation)]);
    now.forEach((r, i) => assert.notEqual(r[1], before[i][1]));
    assert.deepEqual(await stored(2), staff);
    const e = (await site.outbox()).filter((x) => x.action.endsWith('/RenewTemplates')).at(-1);
    assert.deepEqual([e.outcome, e.actor, e.patient, e.detail.kind, e.detail.generation, e.detail.templates],
      ['OUTCOME_SUCCESS', 'security-officer-1', '', 'patient', String(last.generation), '2']);
    await allIsWell();
  });

  test('what was stored before is of no use among what is stored now', async () => {
    const [mine] = await site.sql(`SELECT HEX(template_id), generation, HEX(sealed) FROM template WHERE subject_id = ${site.hex(anna)}`);
    const { generation } = await run(site.admin, 'RenewTemplates', { kind: 'SUBJECT_KIND_PATIENT' });
    const [now] = await site.sql(`SELECT HEX(sealed) FROM template WHERE template_id = X'${mine[0]}'`);
    const put = (sealed, g) => site.sql(`UPDATE template SET sealed = X'${sealed}', generation = ${g} WHERE template_id = X'${mine[0]}'`);
    await put(mine[2], generation); // the stolen one passed off as of today
    const answer = await verify(verifiers[0]).catch((e) => e.reason);
    await put(now[0], generation);
    assert.equal(answer, 'TEMPLATE_UNREADABLE');
    // A replica that looked meanwhile leaves the template out until it is written anew.
    await run(site.admin, 'RenewTemplates', { kind: 'SUBJECT_KIND_PATIENT' });
    await allIsWell();
  });

  test('of staff, and two at once, finish and leave one key', async () => {
    const two = await Promise.all(admins.map((admin) => run(admin, 'RenewTemplates', { kind: 'SUBJECT_KIND_STAFF' })));
    const newest = Math.max(...two.map((m) => m.generation));
    assert.deepEqual((await turns(2)).map((r) => r[0]), [String(newest)]);
    assert.deepEqual((await stored(2)).map((r) => r[0]), Array(3).fill(String(newest)));
    await allIsWell();
  });

  test('a kind is needed', async () => {
    await assert.rejects(run(site.admin, 'RenewTemplates', {}), { code: 'INVALID_ARGUMENT', field: 'kind' });
  });

  test('is for security-officer by wardctl', () => officersOnly('RenewTemplates', { kind: 'SUBJECT_KIND_PATIENT' }));
});

test('the root key is changed with the former one beside it, and nothing starts or rotates without the one it needs', { skip }, async () => {
  const { identity, identity2 } = site.ward.services;
  const [first, second] = [identity.env.WARD_KEK, path.join(site.ward.dir, 'keys/second.kek')];
  fs.writeFileSync(second, `${crypto.randomBytes(32).toString('hex')}\n`, { mode: 0o600 });
  const former = (await status(site.admin)).root_key_id;
  const restart = async (service, WARD_KEK, WARD_KEK_OLD = '') => {
    await service.stop();
    Object.assign(service.env, { WARD_KEK, WARD_KEK_OLD });
    await service.start();
  };
  const refusesToStart = async (service, WARD_KEK) => {
    await service.stop();
    Object.assign(service.env, { WARD_KEK, WARD_KEK_OLD: '' });
    const failed = service.start().then(() => 'it started', (e) => e.message);
    await until('said', async () => service.proc.lines.some((l) => l.includes('KEK_UNKNOWN')));
    await service.kill();
    assert.notEqual(await failed, 'it started');
  };

  await refusesToStart(identity, second);
  await restart(identity, second, first);
  const s = await status(site.admin);
  assert.notEqual(s.root_key_id, former);
  await until('loaded', () => search(galleries[0]).then((a) => a.gallery_size === '2', () => false));
  await allIsWell(); // one replica each way
  await run(site.admin, 'RotateKeys');
  assert.deepEqual((await keks()).map((r) => r[1]), [s.root_key_id]);

  // The other replica has the former root only: it rotates nothing, and loses nothing.
  const before = [await keks(), await wrapped()];
  assert.equal(await refusal(admins[1], 'RotateKeys'), 'KEK_UNKNOWN');
  assert.deepEqual([await keks(), await wrapped()], before);
  await refusesToStart(identity2, first);
  await restart(identity, second);
  await restart(identity2, second);
  for (const gallery of galleries) await until('loaded', () => search(gallery).then((a) => a.gallery_size === '2', () => false));
  await allIsWell();
  assert.equal((await run(admins[1], 'RotateKeys')).keks_destroyed, 1);
  await allIsWell();
});
