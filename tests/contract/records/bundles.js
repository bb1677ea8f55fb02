'use strict';
// Bundles for the tests of import and export, and JSON whose numbers stay the text they came as:
// JSON.parse makes 1.10 and 1.1 the same, and that is just what must not happen.

const { uuid } = require('./site');
const { once } = require('node:events');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { execFileSync } = require('node:child_process');
const { data } = require('../../lib/paths');

class Num {
  constructor(text) { this.text = text; }
}

// A small reader of JSON: objects, arrays, strings, true, false, null, and Num for a number.
function read(text) {
  let at = 0;
  const space = () => { while (/\s/.test(text[at] || '')) at++; };
  const fail = () => { throw new Error(`not JSON at ${at}: ${text.slice(at, at + 20)}`); };
  const take = (s) => { if (!text.startsWith(s, at)) fail(); at += s.length; };
  function string() {
    let end = at + 1;
    while (text[end] !== '"') end += text[end] === '\\' ? 2 : text[end] === undefined ? fail() : 1;
    const s = JSON.parse(text.slice(at, end + 1)); // a string alone: nothing of a number's
    at = end + 1;
    return s;
  }
  function list(close, item) {
    at++;
    space();
    for (let first = true; first ? text[at] !== close : true; first = false) {
      if (!first) take(',');
      space();
      item();
      space();
      if (text[at] === close) break;
    }
    at++;
  }
  function value() {
    space();
    const c = text[at];
    if (c === '"') return string();
    if (c === '{') {
      const o = {};
      list('}', () => {
        const k = string();
        space();
        take(':');
        o[k] = value();
      });
      return o;
    }
    if (c === '[') {
      const a = [];
      list(']', () => { a.push(value()); });
      return a;
    }
    for (const [word, v] of [['true', true], ['false', false], ['null', null]]) {
      if (text.startsWith(word, at)) {
        at += word.length;
        return v;
      }
    }
    const m = /^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?/.exec(text.slice(at, at + 80));
    if (!m) fail();
    at += m[0].length;
    return new Num(m[0]);
  }
  const v = value();
  space();
  if (at !== text.length) fail();
  return v;
}

function write(v) {
  if (v instanceof Num) return v.text;
  if (Array.isArray(v)) return `[${v.map(write).join(',')}]`;
  if (v !== null && typeof v === 'object') return `{${Object.entries(v).map(([k, x]) => `${JSON.stringify(k)}:${write(x)}`).join(',')}}`;
  return JSON.stringify(v);
}

// Every place where two values differ, with its path: [] where they are the same.
function differences(a, b, where = '') {
  const isObject = (v) => v !== null && typeof v === 'object' && !Array.isArray(v) && !(v instanceof Num);
  if (a instanceof Num && b instanceof Num) return a.text === b.text ? [] : [`${where}: ${a.text} became ${b.text}`];
  if (Array.isArray(a) && Array.isArray(b)) {
    if (a.length !== b.length) return [`${where}: ${a.length} items became ${b.length}`];
    return a.flatMap((x, i) => differences(x, b[i], `${where}[${i}]`));
  }
  if (isObject(a) && isObject(b)) {
    return [...new Set([...Object.keys(a), ...Object.keys(b)])].flatMap((k) => {
      if (!(k in a)) return [`${where}.${k}: appeared`];
      if (!(k in b)) return [`${where}.${k}: is gone`];
      return differences(a[k], b[k], `${where}.${k}`);
    });
  }
  return a === b && typeof a === typeof b ? [] : [`${where}: ${write(a)} became ${write(b)}`];
}


// The 80 bundles of Synthea as texts; undefined where they are not there.
let texts;
function synthea() {
  const file = path.join(data, 'fhir_synthea_r4/fhir_r4.tar.xz');
  if (texts || !fs.existsSync(file)) return texts;
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'ward-synthea-'));
  try {
    execFileSync('tar', ['xf', file, '-C', dir]);
    const all = fs.readdirSync(dir, { recursive: true }).map(String).filter((f) => f.endsWith('.json')).sort();
    texts = all.map((f) => fs.readFileSync(path.join(dir, f), 'utf8'));
  } finally {
    fs.rmSync(dir, { recursive: true, force: true });
  }
  return texts;
}

const bundle = (entries, type = 'batch', more = {}) => JSON.stringify({ resourceType: 'Bundle', type, ...more, entry: entries });
const entry = (resource, fullUrl) => ({ fullUrl: fullUrl || (resource.id ? `urn:uuid:${resource.id}` : undefined), resource });

// Feeds bytes (a string, a Buffer, or a list of them) in chunks; gives every progress message.
async function importing(site, start, bytes, { by = 'records-admin', chunk = 1 << 18, on, cut } = {}) {
  const stream = (on || site.api('exchange')).duplex('ImportBundle', typeof by === 'string' ? site.as(by) : by);
  const messages = [];
  const sent = (async () => {
    stream.write({ start });
    let total = 0;
    for (const part of [].concat(bytes)) {
      const b = Buffer.isBuffer(part) ? part : Buffer.from(part);
      for (let at = 0; at < b.length; at += chunk) {
        if (cut && total >= cut) return stream.cancel();
        const more = stream.write({ chunk: b.subarray(at, at + chunk) });
        total += Math.min(chunk, b.length - at);
        if (!more) await Promise.race([once(stream.call, 'drain'), stream.over]);
      }
    }
    stream.end();
  })();
  try {
    for await (const m of stream) messages.push(m);
  } catch (err) {
    err.messages = messages;
    throw err;
  } finally {
    await sent.catch(() => {});
  }
  return messages;
}

// The last message of an import that must pass.
async function imported(site, start, bytes, options) {
  const last = (await importing(site, { source: 'test', ...start }, bytes, options)).at(-1);
  if (!last || !last.done) throw new Error('the import ended without saying so');
  return last;
}

// What an import fails with.
async function notImported(site, start, bytes, options) {
  try {
    await importing(site, start === undefined ? start : { source: 'test', ...start }, bytes, options);
  } catch (err) {
    if (err.code) return err;
    throw err;
  }
  throw new Error('the import passed');
}

// Bundles that an export gives, as read().
async function exported(site, request = {}, { by = 'records-admin', on } = {}) {
  const chunks = [];
  let resources = 0;
  for await (const m of (on || site.api('exchange')).stream('ExportBundle', request, typeof by === 'string' ? site.as(by) : by)) {
    if (m.chunk.length > 1 << 20) throw new Error(`a chunk of ${m.chunk.length} bytes`);
    chunks.push(m.chunk);
    resources = Number(m.resources) || resources;
  }
  const lines = Buffer.concat(chunks).toString('utf8').split('\n');
  if (lines.pop() !== '') throw new Error('the last bundle has no newline after it');
  return { bundles: lines.map(read), resources };
}

// What the tests of imports say again and again, of one site: () => site.
const importsOf = (site) => {
  const patient = (id = uuid(), more = {}) => ({ resourceType: 'Patient', id, name: [{ family: 'Beispiel' }], ...more });
  const condition = (subject, more = {}) => ({ resourceType: 'Condition', id: uuid(), subject: { reference: subject }, code: { text: 'x' }, ...more });
  const counts = (m) => ({ created: m.created, updated: m.updated, unchanged: m.unchanged, quarantined: m.quarantined });
  const put = (entries, start = {}, options = {}) => imported(site(), { import_id: uuid(), ...start }, bundle(entries.map((r) => entry(r))), options);
  const kept = (id) => site().rows('resource', `resource_id = ${site().hex(id)}`);
  const version = async (id) => Number((await site().sql(`SELECT version FROM resource WHERE resource_id = ${site().hex(id)}`))[0][0]);
  const out = async (id) => (await exported(site(), { patient_id: id })).bundles[0].entry.map((e) => e.resource);
  return { patient, condition, counts, put, kept, version, out };
};

module.exports = { Num, read, write, differences, synthea, bundle, entry, importing, imported, notImported, exported, importsOf };
