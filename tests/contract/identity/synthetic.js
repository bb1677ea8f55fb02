'use strict';
// Subjects with templates that are made of numbers and not of faces, put into the database as the
// service would have: sealed by node's own AES-256-GCM under a key of their own, which the root key
// wraps. So a test knows every vector and can work out itself what the service should.

const crypto = require('node:crypto');

const DIM = 512;
const padded = (text, n) => Buffer.concat([Buffer.from(text)], n);
const numbers = (...list) => Buffer.concat(list.map((v) => { const b = Buffer.alloc(4); b.writeInt32LE(v); return b; }));

function seal(key, aad, plain) {
  const nonce = crypto.randomBytes(12);
  const c = crypto.createCipheriv('aes-256-gcm', key, nonce).setAAD(aad);
  return Buffer.concat([nonce, c.update(plain), c.final(), c.getAuthTag()]);
}

// Generation 0: as the model would have given it, not turned.
const bound = (subject, template, model) => Buffer.concat([padded('ward identity template 1', 32), subject, template, Buffer.from(model)]);

// mulberry32 and Box-Muller: the same people for the same seed.
function gaussian(seed) {
  let s = seed >>> 0;
  const random = () => {
    s = (s + 0x6d2b79f5) >>> 0;
    let t = Math.imul(s ^ (s >>> 15), s | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  return () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

function unit(v) {
  const norm = Math.hypot(...v);
  return Float32Array.from(v, (x) => x / norm);
}

const dot = (a, b) => a.reduce((sum, x, i) => sum + x * b[i], 0);

// n people of `each` templates: what all faces share, what a person's have in common, what a day adds.
function people(n, { each = 2, seed = 1, shared = 0.4, own = 1, day = 0.7 } = {}) {
  const next = gaussian(seed);
  const vector = () => Array.from({ length: DIM }, next);
  const common = vector();
  return Array.from({ length: n }, () => {
    const person = vector();
    return {
      id: crypto.randomBytes(16), key: crypto.randomBytes(32), kind: 1, purpose: 'patient-identification',
      vectors: Array.from({ length: each }, () => {
        const today = vector();
        return unit(common.map((c, i) => shared * c + own * person[i] + day * today[i]));
      }),
    };
  });
}

function rowsOf(p, { root, model }) {
  const hex = (b) => `X'${b.toString('hex')}'`;
  const wrapped = seal(root, Buffer.concat([padded('ward identity key 1', 32), p.id, Buffer.alloc(80)]), p.key);
  const templates = p.vectors.map((v, i) => {
    const id = crypto.randomBytes(16);
    const sealed = seal(p.key, bound(p.id, id, p.model || model), Buffer.from(v.buffer, v.byteOffset, v.byteLength));
    if (p.broken) sealed[20] ^= 1;
    return `(${hex(id)}, ${hex(p.id)}, '${p.model || model}', ${hex(sealed)}, 60, 0.99, ${i + 1}, 0, ${DIM})`;
  });
  return [
    `INSERT INTO subject (subject_id, kind, enrolled_at_us) VALUES (${hex(p.id)}, ${p.kind}, 1)`,
    `INSERT INTO consent_entry (subject_id, purpose, text_version, given_by, recorded_by, given_at_us) VALUES (${hex(p.id)}, '${p.purpose}', 'v', 'self', 't', 1)`,
    `INSERT INTO face_key (subject_id, kek, wrapped) VALUES (${hex(p.id)}, 0, ${hex(wrapped)})`,
    `INSERT INTO template (template_id, subject_id, model_sha256, sealed, eye_distance_px, detection_score, created_at_us, generation, dim) VALUES ${templates.join(',')}`,
  ];
}

// sql: async (statement) of the service's database; root: its root key, 32 bytes.
async function insert(list, { sql, root, model }) {
  for (let i = 0; i < list.length; i += 8) { // a command line has room for so many
    const some = list.slice(i, i + 8).flatMap((p) => rowsOf(p, { root, model }));
    await sql(`START TRANSACTION; ${some.join('; ')}; COMMIT`);
  }
}

// Scores worked out here: of each person's own pairs, and of everyone's first with everyone else's.
function scores(list) {
  const genuine = [], impostor = [];
  list.forEach((p, n) => {
    p.vectors.forEach((v, i) => p.vectors.slice(0, i).forEach((w) => genuine.push(dot(v, w))));
    list.slice(0, n).forEach((q) => impostor.push(dot(p.vectors[0], q.vectors[0])));
  });
  return { genuine, impostor };
}

const unhex = (text) => Buffer.from(text.trim(), 'hex');

module.exports = { people, insert, scores, unhex };
