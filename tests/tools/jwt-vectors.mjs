// Prints common/auth/jwt_vectors.h: tokens made with node's crypto, not by us, good and bad, with
// new keys each time (the private halves are forgotten).
//   node tests/tools/jwt-vectors.mjs >common/auth/jwt_vectors.h
import { createHmac, generateKeyPairSync, sign } from 'node:crypto';

const b64 = (v) => Buffer.from(typeof v === 'object' && !Buffer.isBuffer(v) ? JSON.stringify(v) : v).toString('base64url');
const pair = (kind, options) => generateKeyPairSync(kind, options);
const keys = {
  'rsa-1': pair('rsa', { modulusLength: 2048 }),
  'rsa-enc': pair('rsa', { modulusLength: 2048 }),
  'ec-1': pair('ec', { namedCurve: 'P-256' }),
  'ec-384': pair('ec', { namedCurve: 'P-384' }),
  'ed-1': pair('ed25519'),
  'ed-2': pair('ed25519'),
};
const stranger = pair('ed25519');
const extra = { 'rsa-1': { use: 'sig', alg: 'RS256' }, 'rsa-enc': { use: 'enc' }, 'ed-1': { key_ops: ['verify'] } };
const jwk = (kid) => ({ ...keys[kid].publicKey.export({ format: 'jwk' }), kid, ...extra[kid] });
const jwks = { keys: Object.keys(keys).map(jwk) };

function signature(alg, key, text) {
  if (alg === 'EdDSA') return sign(null, text, key);
  if (alg === 'ES256') return sign('sha256', text, { key, dsaEncoding: 'ieee-p1363' });
  if (alg === 'ES256-DER') return sign('sha256', text, { key, dsaEncoding: 'der' });
  if (alg === 'PS256') return sign('sha256', text, { key, padding: 6, saltLength: 32 });
  if (alg === 'RS512') return sign('sha512', text, key);
  return sign('sha256', text, key);
}
// A token of this header and these claims (objects or raw text), signed by `key` as `how`.
function token(header, claims, key, how = header.alg) {
  const text = `${b64(header)}.${b64(claims)}`;
  return `${text}.${signature(how, key.privateKey ?? key, Buffer.from(text)).toString('base64url')}`;
}
const good = {
  iss: 'https://issuer.test', aud: 'ward', sub: 'nurse-7', exp: 4102444800, iat: 1700000000,
  nbf: 1700000000, roles: ['nurse', 'pharmacist'], ward: '3B', purpose: 'TREAT',
};
const without = (claim) => Object.fromEntries(Object.entries(good).filter(([k]) => k !== claim));
const ed = (claims, header = {}) => token({ alg: 'EdDSA', kid: 'ed-1', typ: 'JWT', ...header }, claims, keys['ed-1']);

const rows = [];
const fine = (name, t) => rows.push([name, t, '']);
const bad = (name, reason, t) => rows.push([name, t, `TOKEN_${reason}`]);

fine('RS256', token({ alg: 'RS256', kid: 'rsa-1', typ: 'JWT' }, good, keys['rsa-1']));
fine('ES256', token({ alg: 'ES256', kid: 'ec-1', typ: 'JWT' }, good, keys['ec-1']));
fine('EdDSA', ed(good));
fine('EdDSA, the other key', token({ alg: 'EdDSA', kid: 'ed-2' }, good, keys['ed-2']));
fine('no kid, the only RS256 key', token({ alg: 'RS256' }, good, keys['rsa-1']));
fine('no kid, the only ES256 key', token({ alg: 'ES256' }, good, keys['ec-1']));
fine('type at+jwt', ed(good, { typ: 'at+jwt' }));
fine('a certificate thumbprint in the header', ed(good, { x5t: 'abc' }));
fine('several audiences', ed({ ...good, aud: ['other', 'ward'] }));
fine('a fraction of a second', ed({ ...good, exp: 4102444800.5 }));

bad('no kid, two EdDSA keys', 'UNKNOWN_KEY', token({ alg: 'EdDSA' }, good, keys['ed-1']));
bad('unknown kid', 'UNKNOWN_KEY', ed(good, { kid: 'ed-9' }));
bad('a key for encryption', 'UNKNOWN_KEY', token({ alg: 'RS256', kid: 'rsa-enc' }, good, keys['rsa-enc']));
for (const alg of ['none', 'nOnE', ''])
  bad(`algorithm "${alg}", no signature`, 'ALGORITHM', `${b64({ alg })}.${b64(good)}.`);
bad('algorithm none with a signature', 'ALGORITHM', token({ alg: 'none', kid: 'ed-1' }, good, keys['ed-1'], 'EdDSA'));
{
  const secret = keys['rsa-1'].publicKey.export({ format: 'pem', type: 'spki' });
  const text = `${b64({ alg: 'HS256', kid: 'rsa-1' })}.${b64(good)}`;
  bad('HMAC with the public key as its secret', 'ALGORITHM', `${text}.${createHmac('sha256', secret).update(text).digest('base64url')}`);
}
bad('RSA-PSS', 'ALGORITHM', token({ alg: 'PS256', kid: 'rsa-1' }, good, keys['rsa-1']));
bad('RS512', 'ALGORITHM', token({ alg: 'RS512', kid: 'rsa-1' }, good, keys['rsa-1']));
bad("RS256 by another kind of key's name", 'ALGORITHM', token({ alg: 'RS256', kid: 'ed-1' }, good, keys['rsa-1']));
bad('algorithm is a number', 'MALFORMED', token({ alg: 1, kid: 'ed-1' }, good, keys['ed-1'], 'EdDSA'));
bad('ES256 in DER', 'SIGNATURE', token({ alg: 'ES256', kid: 'ec-1' }, good, keys['ec-1'], 'ES256-DER'));
{
  const t = token({ alg: 'ES256', kid: 'ec-1' }, good, keys['ec-1']).split('.');
  const longer = Buffer.concat([Buffer.from(t[2], 'base64url'), Buffer.alloc(1)]);
  bad('ES256 with a byte more', 'SIGNATURE', `${t[0]}.${t[1]}.${b64(longer)}`);
}
bad('ES256 of zeros', 'SIGNATURE', `${b64({ alg: 'ES256', kid: 'ec-1' })}.${b64(good)}.${b64(Buffer.alloc(64))}`);
bad("a stranger's signature", 'SIGNATURE', token({ alg: 'EdDSA', kid: 'ed-1' }, good, stranger));
{
  const [h, , s] = ed(good).split('.');
  bad('changed claims', 'SIGNATURE', `${h}.${b64({ ...good, sub: 'chief' })}.${s}`);
  bad('a signature cut short', 'SIGNATURE', `${h}.${b64(good)}.${b64(Buffer.from(s, 'base64url').subarray(0, 60))}`);
  bad('a signature with a byte more', 'SIGNATURE', `${h}.${b64(good)}.${b64(Buffer.concat([Buffer.from(s, 'base64url'), Buffer.alloc(1)]))}`);
  bad('padding', 'MALFORMED', `${ed(good)}==`);
  bad('no signature', 'MALFORMED', ed(good).replace(/[^.]*$/, ''));
  bad('two parts', 'MALFORMED', ed(good).replace(/\.[^.]*$/, ''));
  bad('five parts', 'MALFORMED', `${ed(good)}.a.b`);
}
bad('its own key in the header', 'MALFORMED', token({ alg: 'EdDSA', jwk: stranger.publicKey.export({ format: 'jwk' }) }, good, stranger));
for (const [name, v] of [['jku', 'https://x.test/jwks'], ['x5u', 'https://x.test/c'], ['x5c', ['AAAA']], ['crit', ['exp']], ['b64', false], ['zip', 'DEF']])
  bad(`header ${name}`, 'MALFORMED', ed(good, { [name]: v }));
bad('type ppid+jwt', 'MALFORMED', ed(good, { typ: 'ppid+jwt' }));
bad('algorithm given twice', 'MALFORMED', token('{"alg":"EdDSA","kid":"ed-1","alg":"EdDSA"}', good, keys['ed-1'], 'EdDSA'));
bad('bytes after the header', 'MALFORMED', token('{"alg":"EdDSA","kid":"ed-1"}x', good, keys['ed-1'], 'EdDSA'));
bad('header is a list', 'MALFORMED', token('[]', good, keys['ed-1'], 'EdDSA'));
bad('claims are no JSON', 'MALFORMED', ed('hello'));
bad('claims are a list', 'MALFORMED', ed('[1]'));
bad('a claim given twice', 'MALFORMED', ed(`{"sub":"chief",${JSON.stringify(good).slice(1)}`));
bad('a NUL in the subject', 'MALFORMED', ed({ ...good, sub: 'a\u0000b' }));
bad('expired', 'EXPIRED', ed({ ...good, exp: 1000000000 }));
bad('no exp', 'MALFORMED', ed(without('exp')));
bad('exp is text', 'MALFORMED', ed({ ...good, exp: '4102444800' }));
bad('exp beyond all time', 'MALFORMED', ed({ ...good, exp: 1e300 }));
bad('not yet valid', 'NOT_YET_VALID', ed({ ...good, nbf: 4102444000 }));
bad('nbf is text', 'MALFORMED', ed({ ...good, nbf: 'now' }));
bad('another issuer', 'ISSUER', ed({ ...good, iss: 'https://issuer.test/' }));
bad('no issuer', 'ISSUER', ed(without('iss')));
bad('another audience', 'AUDIENCE', ed({ ...good, aud: 'ward2' }));
bad('other audiences', 'AUDIENCE', ed({ ...good, aud: ['a', 'b', 3] }));
bad('no audience', 'AUDIENCE', ed(without('aud')));
bad('no subject', 'SUBJECT', ed(without('sub')));
bad('an empty subject', 'SUBJECT', ed({ ...good, sub: '' }));
bad('subject is a number', 'SUBJECT', ed({ ...good, sub: 7 }));
bad('a subject of 129 bytes', 'SUBJECT', ed({ ...good, sub: 'x'.repeat(129) }));
bad('roles are text', 'MALFORMED', ed({ ...good, roles: 'nurse' }));
bad('a role is a number', 'MALFORMED', ed({ ...good, roles: ['nurse', 1] }));
bad('17 roles', 'MALFORMED', ed({ ...good, roles: Array(17).fill('r') }));
bad('ward is a number', 'MALFORMED', ed({ ...good, ward: 3 }));

const c = JSON.stringify;
console.log(`/* jwt_vectors.h - tokens made with node's crypto by tests/tools/jwt-vectors.mjs; do not edit.
 *
 * Issuer https://issuer.test, audience ward. \`reason\` is "" for a token that is fine.
 */
#ifndef WARD_AUTH_JWT_VECTORS_H
#define WARD_AUTH_JWT_VECTORS_H

/* clang-format off */
static const char NODE_JWKS[] = ${c(c(jwks))};

static const struct {
    const char *name, *reason, *token;
} NODE_TOKENS[] = {
${rows.map(([n, t, r]) => `    {${c(n)}, ${c(r)}, ${c(t)}},`).join('\n')}
};

#endif`);
