'use strict';
// An OIDC issuer that is not ours: keys, a JWKS file and bearer tokens made with node's own crypto.

const crypto = require('node:crypto');
const fs = require('node:fs');
const path = require('node:path');

const ISSUER = 'https://issuer.ward.localhost';
const AUDIENCE = 'ward';

const make = {
  EdDSA: () => crypto.generateKeyPairSync('ed25519'),
  ES256: () => crypto.generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  RS256: () => crypto.generateKeyPairSync('rsa', { modulusLength: 2048 }),
};
const hash = { EdDSA: null, ES256: 'sha256', RS256: 'sha256' };
const b64 = (value) => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');

class Issuer {
  constructor(alg = 'EdDSA') {
    this.alg = alg;
    Object.assign(this, make[alg]());
    this.kid = crypto.randomBytes(8).toString('hex');
  }

  // The issuer of an embedded default, whose folder this is.
  static from(dir) {
    const issuer = Object.create(Issuer.prototype);
    const privateKey = crypto.createPrivateKey(fs.readFileSync(path.join(dir, 'keys/issuer.pem')));
    const [{ kid }] = JSON.parse(fs.readFileSync(path.join(dir, 'keys/jwks.json'))).keys;
    return Object.assign(issuer, { alg: 'EdDSA', privateKey, publicKey: crypto.createPublicKey(privateKey), kid });
  }

  jwk() { return { ...this.publicKey.export({ format: 'jwk' }), kid: this.kid, alg: this.alg, use: 'sig' }; }

  // A compact JWT of any header and claims, right or wrong.
  sign(claims, header = {}) {
    const head = `${b64({ alg: this.alg, typ: 'JWT', kid: this.kid, ...header })}.${b64(claims)}`;
    const sig = crypto.sign(hash[this.alg], Buffer.from(head), { key: this.privateKey, dsaEncoding: 'ieee-p1363' });
    return `${head}.${sig.toString('base64url')}`;
  }

  // The token of a person: token({roles: ['nurse'], sub: 'nurse-7'}), each another one (jti). Other claims as given.
  token({ roles = [], sub = 'test-person', lifetime = 300, ...claims } = {}) {
    const now = Math.floor(Date.now() / 1000);
    return this.sign({ iss: ISSUER, aud: AUDIENCE, sub, roles, purpose: 'TREAT', iat: now, nbf: now - 1, exp: now + lifetime, jti: crypto.randomUUID(), ...claims });
  }
}

function writeJwks(file, issuers) {
  fs.writeFileSync(`${file}.new`, JSON.stringify({ keys: issuers.map((i) => i.jwk()) }));
  fs.renameSync(`${file}.new`, file);
}

module.exports = { Issuer, writeJwks, ISSUER, AUDIENCE };
