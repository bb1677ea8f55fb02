'use strict';
// Persons who sign in at an identity provider that is not ours: its tokens open every service, by the claims that Keycloak uses, while its
// keys are fetched and rotated. And callers whose certificates have names of their own.

const { test, before, after, describe } = require('node:test');
const assert = require('node:assert');
const crypto = require('node:crypto');
const fs = require('node:fs');
const path = require('node:path');
const { Oidc, AUDIENCE } = require('../../lib/oidc');
const { encounter } = require('../records/site');
const { Ward } = require('../../lib/ward');
const { Proc, run, must } = require('../../lib/proc');
const { until } = require('../../lib/until');
const { bin, folder } = require('../../lib/paths');

const SERVICES = ['audit', 'identity', 'records', 'dosage', 'diagnosis'];
const PEOPLE = {
  anna: { roles: ['ward-nurses'], ward: 'ward-3', purpose: 'TREAT' },
  dora: { roles: ['/staff/Doctors'], ward: 'ward-3' },
  rita: { roles: ['admissions', 'it-audit'], ward: 'ward-3', purpose: 'TREAT' },
  tom: { roles: ['nurse'] }, // what Ward calls a nurse, but not what this hospital calls one
  wendy: { roles: ['ward-nurses'], ward: ['ward-3', 'ward-4'] },
};
const NAMES = 'ward-nurses=nurse,/staff/Doctors=physician,admissions=registrar,it-audit=auditor';

let oidc, ward, dir, jwks;

const fetchKeys = () => run([bin('wardctl'), '--json', 'jwks', 'fetch', '--ca', path.join(dir, 'ca.pem'), '--out', jwks, `${oidc.issuer}/jwks`], { env: {} });

before(async () => {
  dir = folder('oidc');
  jwks = path.join(dir, 'jwks.json');
  await must([bin('wardctl'), 'dev-certs', dir, 'issuer']);
  oidc = await Oidc.start(dir, 'issuer', PEOPLE);
  await must([bin('wardctl'), 'jwks', 'fetch', '--ca', path.join(dir, 'ca.pem'), '--out', jwks, (await oidc.discover()).jwks_uri]);
  const env = { WARD_JWKS: jwks, WARD_ISSUER: oidc.issuer, WARD_AUDIENCE: AUDIENCE, WARD_CLAIM_ROLES: 'realm_access.roles', WARD_CLAIM_SUBJECT: 'preferred_username',
    WARD_ROLE_NAMES: NAMES, WARD_PURPOSE_ABSENT: 'TREAT', WARD_CALLERS: 'lab-acme=gateway,pump-*=devices' };
  ward = await Ward.start({ services: SERVICES, env: Object.fromEntries(SERVICES.map((s) => [s, env])), peers: ['lab-acme', 'pump-7', 'lab-other'] });
});
after(async () => {
  await ward?.stop();
  await oidc?.stop();
});

const subject = crypto.randomUUID();
const patient = () => ({ idempotency_key: crypto.randomUUID(), resource: { patient: { id: subject, name: [{ family: 'Muster' }] } } });

// A call of each service that only a person with the right role may make.
const CALLS = {
  identity: (c, token) => c.call('ListSubjects', { page_size: 1 }, { token }),
  records: (c, token) => c.call('Create', patient(), { token }),
  audit: (c, token) => c.call('Query', { page_size: 1 }, { token }),
  dosage: (c, token) => c.call('ListOrders', { patient_id: subject }, { token }),
  diagnosis: (c, token) => c.call('ListModels', {}, { token }),
};
const WHO = { identity: 'rita', records: 'rita', audit: 'rita', dosage: 'dora', diagnosis: 'dora' };

describe('a token of an identity provider', () => {
  for (const service of SERVICES.filter((s) => s !== 'dosage')) {
    test(`opens ${service}`, async () => {
      const answer = await CALLS[service](ward.client(service, { as: 'gateway' }), await oidc.token(WHO[service]));
      assert.ok(answer);
    });
  }

  test('goes with dosage to records, which asks by the same claims who it is', async () => {
    const token = await oidc.token('rita');
    await ward.client('records', { as: 'gateway' }).call('Create', { idempotency_key: crypto.randomUUID(), resource: encounter(subject) }, { token });
    const answer = await CALLS.dosage(ward.client('dosage', { as: 'gateway' }), await oidc.token('dora'));
    assert.deepStrictEqual(answer.orders, []);
  });

  test('names its person in the audit log', async () => {
    const audit = ward.client('audit', { as: 'gateway' });
    const token = await oidc.token('rita');
    await until('the person is in the log', async () => {
      const { records } = await audit.call('Query', { actor: 'rita', service: 'records' }, { token });
      return records.length > 0;
    });
  });

  test('gives no role that this hospital did not name', async () => {
    const err = await ward.client('records', { as: 'gateway' }).failure('Create', patient(), { token: await oidc.token('tom') });
    assert.deepStrictEqual([err.code, err.reason], ['PERMISSION_DENIED', 'ROLE_MISSING']);
  });

  test('that is shaped wrongly is refused by the name of the claim', async () => {
    const err = await ward.client('diagnosis').failure('ListModels', {}, { token: await oidc.token('wendy') });
    assert.deepStrictEqual([err.code, err.reason], ['UNAUTHENTICATED', 'TOKEN_MALFORMED']);
    assert.match(err.details, /claim ward must be one string/);
  });

  test('of another audience is refused', async () => {
    const err = await ward.client('diagnosis').failure('ListModels', {}, { token: ward.token({ roles: ['physician'] }) });
    assert.deepStrictEqual([err.code, err.reason], ['UNAUTHENTICATED', 'TOKEN_UNKNOWN_KEY']);
  });
});

describe('the keys of an identity provider', () => {
  // A service looks at the file at most once a second, when it is called.
  const reason = async (token) => {
    try {
      await ward.client('diagnosis').call('ListModels', {}, { token });
    } catch (err) {
      return err.reason;
    }
    return '';
  };

  test('are rotated without a restart: old tokens hold until their key is retired', async () => {
    const old = await oidc.token('dora');
    assert.strictEqual(await reason(old), '');
    await oidc.rotate();
    const fresh = await oidc.token('dora');
    assert.strictEqual(await reason(fresh), 'TOKEN_UNKNOWN_KEY', 'nobody has fetched the new key');
    const fetched = await fetchKeys();
    assert.deepStrictEqual([fetched.status, JSON.parse(fetched.stdout).changed], [0, true]);
    await until('the new key is known', async () => await reason(fresh) === '');
    assert.strictEqual(await reason(old), '');
    await oidc.retire();
    assert.strictEqual(JSON.parse((await fetchKeys()).stdout).changed, true);
    await until('the old key is forgotten', async () => await reason(old) === 'TOKEN_UNKNOWN_KEY');
    assert.strictEqual(await reason(fresh), '');
  });

  test('are fetched again and again by one process, that writes what changed', async () => {
    const proc = new Proc('wardctl', [bin('wardctl'), 'jwks', 'fetch', '--every', '1', '--ca', path.join(dir, 'ca.pem'), '--out', jwks, `${oidc.issuer}/jwks`], { env: {} });
    try {
      await oidc.rotate();
      await proc.line(/written/);
      const fresh = await oidc.token('dora');
      await until('the new key is known', async () => await reason(fresh) === '');
    } finally {
      await proc.kill();
    }
  });

  test('stay as they are where the answer is none, too long, or from somebody else', async () => {
    const had = fs.readFileSync(jwks);
    const status = async (url, ...more) => (await run([bin('wardctl'), 'jwks', 'fetch', ...more, '--out', jwks, url], { env: {} }));
    const ca = ['--ca', path.join(dir, 'ca.pem')];
    for (const [url, says, ...more] of [
      [`${oidc.issuer}/jwks`, /certificate verify failed/],
      [`${oidc.issuer}/nothing-here`, /cannot get/, ...ca],
      [`${oidc.issuer}/.well-known/openid-configuration`, /JWKS|keys/, ...ca],
      [oidc.issuer.replace('https://localhost', 'http://login.hospital.example'), /is not an https/, ...ca],
      ['https://localhost:1/jwks', /cannot get/, ...ca],
      [`${oidc.issuer}/jwks`, /cannot read the authority/, '--ca', path.join(dir, 'none.pem')],
    ]) {
      const r = await status(url, ...more);
      assert.strictEqual(r.status, 1, `${url}: ${r.lines.join('\n')}`);
      assert.match(r.lines.join('\n'), says, url);
      assert.deepStrictEqual(fs.readFileSync(jwks), had);
      assert.ok(!fs.existsSync(`${jwks}.new`));
    }
  });
});

describe('a certificate with a name of its own', () => {
  test('has the rights that WARD_CALLERS gives it, and is named in the audit log', async () => {
    const token = await oidc.token('rita');
    await ward.client('records', { as: 'lab-acme' }).call('Read', { kind: 'KIND_PATIENT', id: subject }, { token });
    const audit = ward.client('audit', { as: 'lab-acme' });
    await until('lab-acme is in the log', async () => {
      const { records } = await audit.call('Query', { patient: subject }, { token });
      return records.some((r) => r.event.peer === 'lab-acme' && r.event.action.endsWith('/Read'));
    });
  });

  test('a prefix stands for many, with no more rights than the caller it is given', async () => {
    const pump = ward.client('records', { as: 'pump-7' });
    const token = await oidc.token('anna');
    const read = await pump.failure('Read', { kind: 'KIND_PATIENT', id: crypto.randomUUID() }, { token });
    assert.strictEqual(read.code, 'NOT_FOUND', read.message);
    const search = await pump.failure('Search', {}, { token });
    assert.deepStrictEqual([search.code, search.reason], ['PERMISSION_DENIED', 'CALLER_NOT_ALLOWED']);
  });

  test('without rights of its own it is refused', async () => {
    const err = await ward.client('diagnosis', { as: 'lab-other' }).failure('ListModels', {}, { token: await oidc.token('dora') });
    assert.deepStrictEqual([err.code, err.reason], ['PERMISSION_DENIED', 'CALLER_NOT_ALLOWED']);
  });
});

describe('a service whose names cannot be read', () => {
  for (const [name, value, says] of [['WARD_ROLE_NAMES', 'ward-nurses=Nurse', /entry 1 must be ROLE or THEIR-NAME=ROLE/], ['WARD_CALLERS', 'lab-acme=records', /entry 1 must be NAME=gateway, NAME=devices or /]]) {
    test(`does not start: ${name}`, async () => {
      const env = { ...ward.services.diagnosis.env, WARD_LISTEN: '127.0.0.1:0', WARD_ADMIN_LISTEN: '127.0.0.1:0', [name]: value };
      const r = await run([bin('diagnosis')], { env });
      assert.notStrictEqual(r.status, 0);
      assert.match(r.lines.join('\n'), says);
    });
  }
});
