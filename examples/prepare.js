#!/usr/bin/env node
'use strict';
// prepare - what the examples call with, from a running embedded default: a certificate with the name gateway, persons' tokens, an active
// formulary. In a hospital these come from its authority, its identity provider and its pharmacists: docs/integrate.md.
//
//   wardctl up &
//   examples/prepare.js FOLDER [--data DIR] [--photo FILE --again FILE]
//
// FOLDER/ward.properties then says where everything is.

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { execFileSync } = require('node:child_process');

const root = path.resolve(__dirname, '..');
const build = path.resolve(root, process.env.BUILD || 'build');
const wardctl = path.join(build, 'bin/wardctl');
const [out, ...more] = process.argv.slice(2);
const option = (name, otherwise) => (more.includes(name) ? more[more.indexOf(name) + 1] : otherwise);
if (!out || out.startsWith('-')) {
  console.error('usage: examples/prepare.js FOLDER [--data DIR] [--photo FILE --again FILE]');
  process.exit(2);
}
const dir = path.resolve(option('--data', path.join(process.env.XDG_DATA_HOME || path.join(os.homedir(), '.local/share'), 'ward')));
const data = ['--data', dir];
const ask = (...words) => JSON.parse(execFileSync(wardctl, ['--json', ...data, ...words], { encoding: 'utf8' }));

const PEOPLE = { registrar: 'PATADMIN', physician: 'TREAT', nurse: 'TREAT', auditor: 'HOPERAT' };
const token = (role, subject, purpose) => ask('token', 'issue', '--subject', subject, '--roles', role, '--ward', 'ward-3', '--purpose', purpose, '--lifetime', '3600').token;

// Nothing can be ordered before two pharmacists approved a rule set.
function formulary() {
  const { infos: known = [] } = ask('formulary', 'list');
  if (known.length > 0) return;
  const sample = path.join(root, 'services/dosage/formulary/sample');
  const files = fs.readdirSync(sample).filter((f) => f.endsWith('.json')).sort().map((f) => path.join(sample, f));
  const { info } = ask('formulary', 'draft', ...files);
  const version = String(info.version);
  execFileSync(wardctl, [...data, 'formulary', 'replay', version], { stdio: 'ignore' });
  const second = path.join(out, 'pharmacist.token');
  fs.writeFileSync(second, token('pharmacist', 'pharmacist-2', 'TREAT'), { mode: 0o600 });
  ask('--token', second, 'formulary', 'approve', '--approve', 'true', version, info.sha256);
  ask('formulary', 'activate', version);
}

fs.mkdirSync(out, { recursive: true, mode: 0o700 });
execFileSync(wardctl, ['dev-certs', path.join(dir, 'pki'), 'gateway']);
formulary();
const photo = path.resolve(option('--photo', path.join(build, 'photos/christian.jpg')));
const lines = { ca: path.join(dir, 'pki/ca.pem'), cert: path.join(dir, 'pki/gateway.pem'), key: path.join(dir, 'pki/gateway.key'), photo, again: path.resolve(option('--again', photo)) };
for (const { service, port } of ask('health')) lines[service] = `localhost:${port}`;
for (const [role, purpose] of Object.entries(PEOPLE)) lines[`token.${role}`] = token(role, `${role}-1`, purpose);
fs.writeFileSync(path.join(out, 'ward.properties'), Object.entries(lines).map(([k, v]) => `${k}=${v}\n`).join(''), { mode: 0o600 });
console.log(path.join(out, 'ward.properties'));
