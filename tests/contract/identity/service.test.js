'use strict';
// The service as a whole: who may call what, what is left behind, what it does not start with, and
// two replicas that are one service.

const { test, before, after, describe } = require('node:test');
const assert = require('node:assert');
const fs = require('node:fs');
const path = require('node:path');
const { run } = require('../../lib/proc');
const { bin, folder, models } = require('../../lib/paths');
const { Site, skip, nobody, consent, to, ROLES } = require('./site');

let site;
before(async () => { if (!skip) site = await Site.shared(); });
after(() => site && site.stop());

describe('who may call', { skip }, () => {
  const may = {
    Enrol: ['registrar'], RegisterSubject: ['registrar'], AddTemplate: ['registrar'], RemoveTemplate: ['registrar', 'privacy-officer'],
    Verify: ['nurse', 'physician', 'registrar'],
    GetSubject: ['registrar', 'nurse', 'physician', 'privacy-officer'], GiveConsent: ['registrar'],
    SetRetention: ['registrar', 'privacy-officer'], WithdrawConsent: ['registrar', 'privacy-officer'],
    EraseSubject: ['privacy-officer'],
  };
  for (const [method, roles] of Object.entries(may)) {
    test(`${method} is for ${roles.join(', ')}`, async () => {
      for (const role of ROLES) {
        const e = await site.wardctl.failure(method, { subject_id: nobody }, site.tokens[role]);
        if (roles.includes(role)) assert.notEqual(e.code, 'PERMISSION_DENIED', role);
        else {
          assert.equal(e.code, 'PERMISSION_DENIED', role);
          const event = await site.lastEvent();
          assert.deepEqual([event.outcome, event.actor, event.patient], ['OUTCOME_REFUSED', `${role}-1`, '']);
        }
      }
      assert.equal((await site.wardctl.failure(method, { subject_id: nobody })).code, 'UNAUTHENTICATED');
      const stranger = await site.ward.client('identity', { as: 'stranger' }).failure(method, { subject_id: nobody }, site.tokens[roles[0]]);
      assert.equal(stranger.code, 'PERMISSION_DENIED');
    });
  }

  test('a device may enrol and verify and may not look anyone up or end anything', async () => {
    for (const [method, who, code] of [['Verify', 'nurse', 'NOT_FOUND'], ['AddTemplate', 'registrar', 'NOT_FOUND'],
      ['GetSubject', 'nurse', 'PERMISSION_DENIED'], ['WithdrawConsent', 'registrar', 'PERMISSION_DENIED'],
      ['RemoveTemplate', 'registrar', 'PERMISSION_DENIED'], ['EraseSubject', 'privacy-officer', 'PERMISSION_DENIED']]) {
      const req = { ...site.verification(nobody, site.anna), idempotency_key: 'k' };
      assert.equal((await site.devices.failure(method, req, site.tokens[who])).code, code, method);
    }
  });
});

test('a refused call that repeats another\'s trace is not taken for it', { skip }, async () => {
  const { subject_id } = await site.enrol(site.anna);
  const metadata = { traceparent: `00-${'ab'.repeat(16)}-${'cd'.repeat(8)}-01` };
  for (let i = 0; i < 8; i++) { // whichever worker takes it
    await site.wardctl.call('GetSubject', { subject_id }, { ...site.tokens.nurse, metadata });
    await site.wardctl.failure('EraseSubject', { subject_id: nobody }, { ...site.tokens.nurse, metadata });
    const event = await site.lastEvent();
    assert.deepEqual([event.outcome, event.patient], ['OUTCOME_REFUSED', '']);
  }
});

describe('what is left behind', { skip }, () => {
  test('a restart keeps everyone', async () => {
    const { subject_id } = await site.enrol(site.anna);
    await site.ward.services.identity.stop();
    await site.ward.services.identity.start();
    assert.equal((await site.verify(subject_id, site.annaAgain)).outcome, 'OUTCOME_MATCH');
  });

  test('no column holds a photograph, and no event more than a line', async () => {
    await site.enrol(site.anna);
    const [[most]] = await site.sql('SELECT MAX(LENGTH(sealed)) FROM template');
    assert.equal(Number(most), 512 * 4 + 28);
    assert.equal((await site.sql('SELECT COUNT(*) FROM sealed_photo'))[0][0], '0');
    const [[event]] = await site.sql('SELECT MAX(LENGTH(event)) FROM ward_outbox');
    assert.ok(Number(event) < 1000);
    const [[answer]] = await site.sql('SELECT MAX(LENGTH(answer)) FROM ward_idempotency');
    assert.ok(Number(answer) < 1000);
  });

  test('what is kept of a face is not the face', async () => {
    // The key is wrapped, the template sealed: neither repeats, though face and model do.
    const [a, b] = [await site.enrol(site.anna), await site.enrol(site.anna)];
    const columns = await site.sql(`SELECT HEX(k.wrapped), HEX(t.sealed) FROM face_key k JOIN template t ON t.subject_id = k.subject_id
      WHERE k.subject_id IN (${site.hex(a.subject_id)}, ${site.hex(b.subject_id)})`);
    assert.equal(columns.length, 2);
    assert.notEqual(columns[0][0], columns[1][0]);
    assert.notEqual(columns[0][1].slice(0, 200), columns[1][1].slice(0, 200));
  });

  test('the log names no subject and holds no token', async () => {
    const a = await site.enrol(site.anna, { external_ref: 'never-in-a-log' });
    const b = await site.verify(a.subject_id, site.anna);
    await site.wardctl.failure('Verify', site.verification(a.subject_id, Buffer.from('junk')), site.tokens.nurse);
    await site.ward.services.identity.proc.line(/call failed/); // it may come a moment after the answer
    const log = site.ward.services.identity.proc.lines.join('\n');
    assert.ok(b.token.length > 100);
    for (const secret of [a.subject_id, 'never-in-a-log', b.token, site.tokens.nurse.token]) assert.ok(!log.includes(secret));
  });

  test('outcomes are counted', async () => {
    const req = site.enrolment(site.anna);
    for (let i = 0; i < 2; i++) await site.wardctl.call('Enrol', req, site.tokens.registrar);
    await site.wardctl.failure('Enrol', site.enrolment(site.anna, { consent: to('teaching') }), site.tokens.registrar);
    const { text } = await site.ward.services.identity.admin('/metrics');
    for (const line of [/ward_identity_verifications_total\{outcome="MATCH"\} [1-9]/, /ward_identity_photographs_total\{gate="USABLE"\} [1-9]/,
      /ward_identity_enrolments_total\{outcome="ENROLLED"\} [1-9]/,
      /ward_identity_enrolments_total\{outcome="REPLAYED"\} 1/, /ward_identity_enrolments_total\{outcome="REFUSED"\} 1/, /ward_host_canary_ok\{canary="face models"\} 1/,
      /ward_host_run_seconds_count\{model="face_feature"\} [1-9]/]) assert.match(text, line);
  });
});

describe('what it does not start with', { skip }, () => {
  // Another process of the service, with these options instead; it must end by itself.
  const start = async (more) => {
    const env = { ...site.ward.services.identity.env, WARD_LISTEN: '127.0.0.1:0', WARD_ADMIN_LISTEN: '127.0.0.1:0', WARD_GALLERY_DIR: '', ...more };
    return run([bin('identity')], { env });
  };
  const says = (r, words) => {
    assert.equal(r.status, 1);
    assert.match(r.lines.join('\n'), words);
  };

  test('weights that were changed', async () => {
    const dir = folder('ward-models');
    fs.cpSync(path.join(models, 'faceplugin'), path.join(dir, 'faceplugin'), { recursive: true });
    const file = path.join(dir, 'faceplugin/fr_feature.onnx');
    const bytes = fs.readFileSync(file);
    bytes[bytes.length >> 1] ^= 1;
    fs.chmodSync(file, 0o644);
    fs.writeFileSync(file, bytes);
    says(await start({ WARD_MODELS: dir }), /the hash of face_feature.s weights is not the expected one/);
    fs.unlinkSync(file);
    says(await start({ WARD_MODELS: dir }), /"level":"error"/);
  });

  test('a back end that is not in the one folder', async () => {
    says(await start({ WARD_DEVICES: '../plugins/cpu' }), /"level":"error"/);
    says(await start({ WARD_DEVICES: 'none-such', WARD_DEVICE_FALLBACK: 'deny' }), /"level":"error"/);
  });

  test('no calibration, or one of another model', async () => {
    const dir = folder('ward-packs');
    says(await start({ WARD_PACKS: dir }), /"level":"error"/);
    const file = path.join(dir, 'calibration.json');
    const own = JSON.parse(fs.readFileSync(path.join(site.ward.services.identity.env.WARD_PACKS, 'faceplugin/calibration.json')));
    fs.writeFileSync(file, JSON.stringify({ ...own, model_sha256: '0'.repeat(64) }));
    says(await start({ WARD_CALIBRATION: file }), /another embedding model/);
  });

  test('a key that others may read, or none, or another', async () => {
    const key = path.join(folder('ward-key'), 'kek');
    fs.writeFileSync(key, `${'ab'.repeat(32)}\n`, { mode: 0o644 });
    says(await start({ WARD_KEK: key }), /"level":"error"/);
    says(await start({ WARD_KEK: `${key}.none` }), /"level":"error"/);
    fs.chmodSync(key, 0o600);
    says(await start({ WARD_KEK: key }), /"level":"error"/);
  });
});

test('two replicas are one service', { skip }, async (t) => {
  const two = await Site.start({ services: ['identity', 'identity2'] });
  t.after(() => two.stop());
  const other = two.ward.client('identity2');
  const req = two.enrolment(two.anna, { more_consents: [to('patient-search')] });

  await t.test('a key used at both at once makes one subject', async () => {
    const answers = await Promise.all([two.wardctl, other, two.wardctl, other].map((c) => c.call('Enrol', req, two.tokens.registrar)));
    assert.equal(new Set(answers.map((a) => a.subject_id)).size, 1);
    assert.deepEqual(answers[0], answers[1]);
  });

  await t.test('enrolled at one, verified at the other at once', async () => {
    const { subject_id } = await two.enrol(two.anna);
    const a = await other.call('Verify', two.verification(subject_id, two.annaAgain), two.tokens.nurse);
    assert.equal(a.outcome, 'OUTCOME_MATCH');
  });

  await t.test('withdrawn at one, refused by the other at once', async () => {
    const { subject_id } = await two.enrol(two.anna);
    await other.call('WithdrawConsent', { subject_id }, two.tokens.registrar);
    const e = await two.wardctl.failure('Verify', two.verification(subject_id, two.anna), two.tokens.nurse);
    assert.deepEqual([e.code, e.reason], ['FAILED_PRECONDITION', 'NO_CONSENT']);
  });

  await t.test('erased at both at once: one act, one answer', async () => {
    const { subject_id } = await two.enrol(two.anna);
    const answers = await Promise.all([two.wardctl, other].map((c) => c.call('EraseSubject', { subject_id }, two.tokens['privacy-officer'])));
    assert.equal(answers[0].erased_at_us, answers[1].erased_at_us);
    assert.equal(answers[0].key_sha256, answers[1].key_sha256);
    const first = (await two.outbox()).filter((e) => e.patient === subject_id && e.action.endsWith('/EraseSubject') && !e.detail.already);
    assert.equal(first.length, 1);
  });

  await t.test('templates added at both at once all count', async () => {
    const { subject_id } = await two.enrol(two.anna, { consent });
    const add = (client) => client.call('AddTemplate', { idempotency_key: two.key(), subject_id, photograph: two.annaAgain }, two.tokens.registrar);
    await Promise.all([two.wardctl, other, two.wardctl, other].map(add));
    assert.equal((await two.verify(subject_id, two.anna)).templates, 5);
  });
});
