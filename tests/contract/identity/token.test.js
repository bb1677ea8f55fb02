'use strict';
// SpendToken, GetTokenKeys and RotateTokenKey, on two replicas. The tokens of the second live 5 s.

const { test, before, after, describe } = require('node:test');
const assert = require('node:assert');
const crypto = require('node:crypto');
const { Site, until, skip, UUID, nobody, ROLES } = require('./site');
const { Issuer } = require('../../lib/tokens');

let site, other, admins;
before(async () => {
  if (skip) return;
  site = await Site.start({ services: ['identity', 'identity2'], env: { identity: { WARD_PPID_LIFETIME_S: '120' }, identity2: { WARD_PPID_LIFETIME_S: '5' } } });
  other = site.ward.client('identity2', { api: 'identity' });
  admins = [site.admin, site.ward.client('identity2', { api: 'admin' })];
});
after(() => site && site.stop());

const b64 = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
const part = (token, i) => JSON.parse(Buffer.from(token.split('.')[i], 'base64url'));
const officer = () => site.tokens['security-officer'];
const keysOf = async (client) => (await client.call('GetTokenKeys')).keys;
const both = () => Promise.all([keysOf(site.wardctl), keysOf(other)]);
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

// Someone with a wristband, and tokens of theirs.
let bands = 0;
async function patient() {
  const { subject_id } = await site.wardctl.call('RegisterSubject', { idempotency_key: site.key(), kind: 'SUBJECT_KIND_PATIENT' }, site.tokens.registrar);
  const wristband = `TOKEN-${bands++}`;
  const second = { type: 'birth-date', value: '1980-02-29' };
  await site.wardctl.call('SetIdentifiers', { subject_id, wristband, second: [second] }, site.tokens.registrar);
  return {
    id: subject_id,
    token: async (client = site.wardctl) => (await client.call('VerifyWristband',
      { subject_id, wristband, second, place: 'ward-3/bed-2', device: 'tablet-4', purpose: 'administration' }, site.tokens.nurse)).token,
  };
}
const spending = (id, token, more = {}) => ({ idempotency_key: site.key(), token, subject_id: id, purpose: 'administration', place: 'ward-3/bed-2', ...more });
const spend = (client, request, who = site.tokens.nurse) => client.call('SpendToken', request, who);
const refused = async (request, client = site.wardctl, who = site.tokens.nurse) => {
  const e = await client.failure('SpendToken', request, who);
  return [e.code, e.reason];
};
const SPENT = ['ALREADY_EXISTS', 'PPID_SPENT'];

describe('SpendToken', { skip }, () => {
  test('says what the token was issued for', async () => {
    const { subject_id } = await site.enrol(site.anna);
    const a = await site.verify(subject_id, site.annaAgain, { device: 'tablet-4' });
    const c = part(a.token, 1);
    const s = await spend(other, spending(subject_id, a.token));
    assert.deepEqual([s.token_id, s.subject_id, s.place, s.device, s.purpose, s.method, s.actor, s.witness, s.score, s.model_sha256],
      [c.jti, subject_id, 'ward-3/bed-2', 'tablet-4', 'administration', 'face+attended', 'nurse-1', '', c.score, a.model_sha256]);
    assert.equal(Number(s.issued_at_us), c.iat * 1e6);
    assert.ok(Number(s.spent_at_us) >= Number(s.issued_at_us));
    const e = await site.lastEvent();
    assert.deepEqual([e.action, e.outcome, e.patient, e.place, e.actor, e.peer],
      ['/ward.identity.v1.Identity/SpendToken', 'OUTCOME_SUCCESS', subject_id, 'ward-3/bed-2', 'nurse-1', 'wardctl']);
    assert.deepEqual([e.detail.token, e.detail.method, e.detail.use, e.detail.verified_by], [c.jti, 'face+attended', 'administration', 'nurse-1']);
    assert.match(s.event_id, UUID);
    assert.equal(e.event_id, s.event_id);
  });

  test('one call has it, every other one hears that it is spent, and so does the log', async () => {
    const p = await patient();
    const token = await p.token();
    await spend(site.wardctl, spending(p.id, token));
    for (const client of [site.wardctl, other]) assert.deepEqual(await refused(spending(p.id, token), client), SPENT);
    const e = await site.lastEvent();
    assert.deepEqual([e.outcome, e.code, e.patient], ['OUTCOME_FAILURE', 'ALREADY_EXISTS/PPID_SPENT', p.id]);
  });

  test('repeated with its key it gives the first answer, on either replica; the key with another request is refused', async () => {
    const p = await patient();
    const request = spending(p.id, await p.token());
    const first = await spend(site.wardctl, request);
    for (const client of [site.wardctl, other]) assert.deepEqual(await spend(client, request), first);
    for (const more of [{ place: '' }, { token: await p.token() }]) {
      assert.deepEqual(await refused({ ...request, ...more }, other), ['FAILED_PRECONDITION', 'IDEMPOTENCY_MISMATCH']);
    }
  });

  test('of two services that act for one person with one key, one has it', async () => {
    const p = await patient();
    const [dosage, records] = ['dosage', 'records'].map((as) => site.ward.client('identity', { as }));
    const request = spending(p.id, await p.token());
    const first = await spend(dosage, request);
    assert.deepEqual(await refused(request, records), SPENT);
    assert.deepEqual(await refused(request, site.wardctl, { token: site.ward.token({ roles: ['nurse'], sub: 'nurse-2' }) }), SPENT);
    assert.deepEqual(await spend(dosage, request), first);
  });

  test('of eight who want a token at once, on two replicas, one has it: ten times', async () => {
    const p = await patient();
    for (let i = 0; i < 10; i++) {
      const token = await p.token();
      const answers = await Promise.all(Array.from({ length: 8 }, (_, n) => spend(n % 2 ? other : site.wardctl, spending(p.id, token)).then(() => 'OK', (e) => e.reason)));
      assert.deepEqual(answers.sort(), ['OK', ...Array(7).fill('PPID_SPENT')]);
    }
  });

  test('for another subject, purpose or place it is foreign, and stays unspent', async () => {
    const p = await patient();
    const token = await p.token();
    for (const more of [{ subject_id: nobody }, { purpose: 'door' }, { place: 'ward-3/bed-3' }]) {
      assert.deepEqual(await refused(spending(p.id, token, more)), ['FAILED_PRECONDITION', 'PPID_FOREIGN']);
    }
    assert.equal((await spend(site.wardctl, spending(p.id, token, { place: '' }))).place, 'ward-3/bed-2');
  });

  test('expires, but not for the one who spent it in time and asks again', async () => {
    const p = await patient();
    const [late, timely] = [await p.token(other), await p.token(other)];
    const request = spending(p.id, timely);
    const first = await spend(other, request);
    const { exp, iat } = part(late, 1);
    assert.equal(exp - iat, 5);
    await pause(exp * 1000 - Date.now() + 100);
    for (const client of [site.wardctl, other]) assert.deepEqual(await refused(spending(p.id, late), client), ['UNAUTHENTICATED', 'PPID_EXPIRED']);
    assert.deepEqual(await spend(site.wardctl, request), first);
  });

  test('what is no token of ours is refused with what is wrong with it', async () => {
    const p = await patient();
    const token = await p.token();
    const [head, claims, signature] = token.split('.');
    const bytes = Buffer.from(signature, 'base64url');
    bytes[9] ^= 1;
    const stranger = new Issuer();
    const cases = [
      ['PPID_SIGNATURE', `${head}.${claims}.${bytes.toString('base64url')}`],
      ['PPID_SIGNATURE', `${head}.${b64({ ...part(token, 1), exp: part(token, 1).exp + 30 })}.${signature}`],
      ['PPID_SIGNATURE', stranger.sign(part(token, 1), part(token, 0))],
      ['PPID_UNKNOWN_KEY', stranger.sign(part(token, 1), { typ: 'ppid+jwt' })],
      ['PPID_ALGORITHM', new Issuer('ES256').sign(part(token, 1), { ...part(token, 0), alg: 'ES256' })],
      ['PPID_ALGORITHM', new Issuer('RS256').sign(part(token, 1), { ...part(token, 0), alg: 'RS256' })],
      ['PPID_ALGORITHM', `${b64({ ...part(token, 0), alg: 'none' })}.${claims}.`],
      ['PPID_ALGORITHM', `${b64({ ...part(token, 0), alg: 'HS256' })}.${claims}.${signature}`],
      ['PPID_MALFORMED', site.tokens.nurse.token], ['PPID_MALFORMED', 'garbage'], ['PPID_MALFORMED', 'a.b.c'], ['PPID_MALFORMED', '...'],
      ['PPID_MALFORMED', `${head}.${claims}`], ['PPID_MALFORMED', 'x'.repeat(1 << 20)], ['PPID_MALFORMED', `${head}.${'A'.repeat(1 << 20)}.${signature}`],
    ];
    for (const [reason, forged] of cases) assert.deepEqual(await refused(spending(p.id, forged)), ['UNAUTHENTICATED', reason], forged.slice(0, 40));
    const e = await site.lastEvent();
    assert.deepEqual([e.outcome, e.code, e.patient], ['OUTCOME_REFUSED', 'UNAUTHENTICATED/PPID_MALFORMED', p.id]);
    await spend(site.wardctl, spending(p.id, token));
  });

  const wrong = [
    ['idempotency_key', { idempotency_key: '' }], ['idempotency_key', { idempotency_key: 'k'.repeat(129) }], ['token', { token: '' }],
    ['subject_id', { subject_id: 'x' }], ['purpose', { purpose: '' }], ['purpose', { purpose: 'Give' }], ['place', { place: 'bed 2' }],
  ];
  wrong.forEach(([field, more], i) => test(`a bad ${field} is named (${i})`, async () => {
    const e = await site.wardctl.failure('SpendToken', spending(nobody, 'a.b.c', more), site.tokens.nurse);
    assert.deepEqual([e.code, e.field], ['INVALID_ARGUMENT', field]);
  }));

  test('is for those who care for patients and those who watch doors, by the services that act on it', async () => {
    const may = ['nurse', 'physician', 'registrar', 'security-officer'];
    for (const role of ROLES) {
      assert.equal((await refused({}, site.wardctl, site.tokens[role]))[0], may.includes(role) ? 'INVALID_ARGUMENT' : 'PERMISSION_DENIED', role);
    }
    assert.equal((await refused({}, site.wardctl, {}))[0], 'UNAUTHENTICATED');
    for (const [as, code] of [['dosage', 'INVALID_ARGUMENT'], ['records', 'INVALID_ARGUMENT'], ['diagnosis', 'INVALID_ARGUMENT'], ['gateway', 'INVALID_ARGUMENT'],
      ['devices', 'INVALID_ARGUMENT'], ['audit', 'PERMISSION_DENIED'], ['stranger', 'PERMISSION_DENIED']]) {
      assert.equal((await refused({}, site.ward.client('identity', { as })))[0], code, as);
    }
  });
});

// As a service that is not ours would: the key by its kid, RFC 7638 and RFC 8037.
function checks(keys, token) {
  const { kid, alg } = part(token, 0);
  const k = keys.find((x) => x.kid === kid);
  if (!k) return false;
  const jwk = { crv: 'Ed25519', kty: 'OKP', x: k.public_key.toString('base64url') };
  assert.equal(alg, 'EdDSA');
  assert.equal(crypto.createHash('sha256').update(JSON.stringify(jwk)).digest('base64url'), kid);
  const [text, signature] = [token.slice(0, token.lastIndexOf('.')), token.slice(token.lastIndexOf('.') + 1)];
  return crypto.verify(null, Buffer.from(text), crypto.createPublicKey({ key: jwk, format: 'jwk' }), Buffer.from(signature, 'base64url'));
}

describe('signing keys', { skip }, () => {
  test('the published ones check a token, whoever asks, and no person is needed', async () => {
    const p = await patient();
    const token = await p.token();
    for (const as of ['stranger', 'records', 'wardctl']) {
      const a = await site.ward.client('identity2', { as }).call('GetTokenKeys');
      assert.ok(a.max_age_s > 0 && checks(a.keys, token));
    }
    assert.equal(checks(await keysOf(site.wardctl), new Issuer().sign({}, part(token, 0))), false);
  });

  // Time passes for them: the table says so, and every replica follows it within a second.
  const later = async (s) => {
    await site.sql(`UPDATE token_key SET signs_from_us = signs_from_us - ${s * 1e6}, checks_until_us = checks_until_us - ${s * 1e6}`);
    const [[newest]] = await site.sql('SELECT MAX(signs_from_us) FROM token_key');
    await until('followed', async () => (await both()).every((keys) => keys[0].signs_from_us === newest));
  };

  test('a new one is published at once, signs later, and what the former one signed still checks', async () => {
    const p = await patient();
    const [former] = await keysOf(site.wardctl);
    const old = await p.token();
    const made = await site.admin.call('RotateTokenKey', {}, officer());
    const e = await site.lastEvent();
    assert.deepEqual([e.action, e.detail.kid, e.actor], ['/ward.identity.v1.IdentityAdmin/RotateTokenKey', made.kid, 'security-officer-1']);
    assert.equal((await keysOf(site.wardctl))[0].kid, made.kid); // at once, here
    await until('everywhere', async () => (await both()).every((keys) => keys.length === 2));
    const [here, there] = await both();
    assert.deepEqual(here, there);
    assert.deepEqual(here.map((k) => k.kid), [made.kid, former.kid]);
    assert.deepEqual([here[0].signs_from_us, here[0].checks_until_us], [made.signs_from_us, '0']);
    assert.ok(Number(made.signs_from_us) > (Date.now() + 240e3) * 1000);
    // The default pack of a door is good for a day.
    assert.ok(Number(here[1].checks_until_us) >= Number(made.signs_from_us) + 24 * 3600e6);
    for (const admin of admins) {
      const again = await admin.call('RotateTokenKey', {}, officer());
      assert.deepEqual([again.kid, again.signs_from_us], [made.kid, made.signs_from_us]);
    }
    assert.equal(part(await p.token(), 0).kid, former.kid);

    await later(301);
    for (const client of [site.wardctl, other]) {
      const token = await p.token(client);
      assert.equal(part(token, 0).kid, made.kid);
      assert.ok(checks(await keysOf(client), token) && checks(await keysOf(client), old));
      await spend(client === other ? site.wardctl : other, spending(p.id, token));
    }
    await spend(other, spending(p.id, old));

    // 130 s on, no token of the former key is taken; its packs end with the key.
    const stale = await p.token();
    await later(131);
    assert.ok(checks(await keysOf(other), old));
    await spend(other, spending(p.id, stale));
    await later(24 * 3600);
    assert.deepEqual((await both()).map((keys) => keys.map((k) => k.kid)), [[made.kid], [made.kid]]);
  });

  test('asked for at once on two replicas it is one', async () => {
    const made = await Promise.all(Array.from({ length: 8 }, (_, i) => admins[i % 2].call('RotateTokenKey', {}, officer())));
    assert.equal(new Set(made.map((m) => m.kid)).size, 1);
    assert.equal(new Set(made.map((m) => m.event_id)).size, 8);
  });

  test('a new one is for security-officer by wardctl', async () => {
    for (const role of ROLES.filter((r) => r !== 'security-officer')) {
      assert.equal((await site.admin.failure('RotateTokenKey', {}, site.tokens[role])).code, 'PERMISSION_DENIED', role);
    }
    assert.equal((await site.admin.failure('RotateTokenKey')).code, 'UNAUTHENTICATED');
    assert.equal((await site.ward.client('identity', { as: 'gateway', api: 'admin' }).failure('RotateTokenKey', {}, officer())).code, 'PERMISSION_DENIED');
  });
});
