'use strict';
// An identity provider that is not ours: npm's oidc-provider over HTTPS, with access tokens shaped as Keycloak shapes them. Each client is a
// person who signs in with a secret; rotate() makes a new signing key and keeps publishing the one before.

const crypto = require('node:crypto');
const fs = require('node:fs');
const https = require('node:https');
const path = require('node:path');

const AUDIENCE = 'ward-services';

function signingKey() {
  const { privateKey } = crypto.generateKeyPairSync('rsa', { modulusLength: 2048 });
  return { ...privateKey.export({ format: 'jwk' }), kid: crypto.randomBytes(8).toString('hex'), use: 'sig', alg: 'RS256' };
}

class Oidc {
  // dir: a folder of wardctl dev-certs; name: whose certificate the server shows; people: {anna: {roles, ward, purpose}}.
  static async start(dir, name, people) {
    const oidc = Object.assign(new Oidc(), { dir, people, keys: [signingKey()], secret: crypto.randomBytes(16).toString('hex') });
    oidc.ca = fs.readFileSync(path.join(dir, 'ca.pem'));
    oidc.server = https.createServer({ key: fs.readFileSync(path.join(dir, `${name}.key`)), cert: fs.readFileSync(path.join(dir, `${name}.pem`)) },
      (req, res) => oidc.handle(req, res));
    await new Promise((resolve) => oidc.server.listen(0, 'localhost', resolve));
    oidc.issuer = `https://localhost:${oidc.server.address().port}/realms/hospital`;
    await oidc.provide();
    return oidc;
  }

  // The token of a person as Keycloak's access tokens are: realm roles nested, typ JWT, the name beside the opaque sub.
  shape(jwt, client) {
    const { roles, ...more } = this.people[client];
    jwt.header = { typ: 'JWT' };
    Object.assign(jwt.payload, { sub: crypto.createHash('sha256').update(client).digest('hex').slice(0, 32), typ: 'Bearer', azp: 'ward-console', preferred_username: client,
      realm_access: { roles: ['offline_access', 'uma_authorization', 'default-roles-hospital', ...roles] },
      resource_access: { account: { roles: ['manage-account', 'view-profile'] } }, scope: 'profile email', ...more });
    return jwt;
  }

  async provide() {
    const { Provider } = await import('oidc-provider');
    const provider = new Provider(this.issuer, {
      clients: Object.keys(this.people).map((client_id) => ({ client_id, client_secret: this.secret, grant_types: ['client_credentials'], redirect_uris: [], response_types: [] })),
      jwks: { keys: this.keys },
      cookies: { keys: [this.secret] },
      ttl: { ClientCredentials: 300 },
      formats: { customizers: { jwt: (ctx, token, jwt) => this.shape(jwt, token.clientId) } },
      features: {
        devInteractions: { enabled: false },
        clientCredentials: { enabled: true },
        resourceIndicators: { enabled: true, defaultResource: () => `urn:${AUDIENCE}`, useGrantedResource: () => true,
          getResourceServerInfo: () => ({ scope: '', audience: AUDIENCE, accessTokenFormat: 'jwt', accessTokenTTL: 300, jwt: { sign: { alg: 'RS256' } } }) },
      },
    });
    this.callback = provider.callback();
  }

  // As behind a proxy that strips the path of the realm.
  handle(req, res) {
    req.originalUrl = req.url;
    req.url = req.url.replace(/^\/realms\/hospital/, '') || '/';
    this.callback(req, res);
  }

  async rotate() {
    this.keys = [signingKey(), ...this.keys.slice(0, 1)];
    await this.provide();
  }

  // Only the newest key stays published.
  async retire() {
    this.keys = this.keys.slice(0, 1);
    await this.provide();
  }

  request(where, { method = 'GET', body, headers } = {}) {
    return new Promise((resolve, reject) => {
      const req = https.request(`${this.issuer}${where}`, { method, headers, ca: this.ca }, (res) => {
        const parts = [];
        res.on('data', (part) => parts.push(part)).on('end', () => resolve({ status: res.statusCode, text: Buffer.concat(parts).toString() }));
      });
      req.on('error', reject).end(body);
    });
  }

  async discover() { return JSON.parse((await this.request('/.well-known/openid-configuration')).text); }

  async token(person) {
    const r = await this.request('/token', { method: 'POST', body: 'grant_type=client_credentials',
      headers: { 'content-type': 'application/x-www-form-urlencoded', authorization: `Basic ${Buffer.from(`${person}:${this.secret}`).toString('base64')}` } });
    if (r.status !== 200) throw new Error(`no token: ${r.status} ${r.text}`);
    return JSON.parse(r.text).access_token;
  }

  stop() {
    this.server.closeAllConnections();
    return new Promise((resolve) => this.server.close(resolve));
  }
}

module.exports = { Oidc, AUDIENCE };
