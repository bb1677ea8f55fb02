'use strict';
// The audit log as an auditor sees it who trusts none of our code: RFC 9162 and C2SP signed notes
// written again on node's own crypto, and the files that `wardctl audit verify` reads.

const crypto = require('node:crypto');
const fs = require('node:fs');
const path = require('node:path');
const protobuf = require('protobufjs');
const { root: repository } = require('../../lib/paths');

const sha = (...parts) => crypto.createHash('sha256').update(Buffer.concat(parts)).digest();
const leafHash = (leaf) => sha(Buffer.from([0]), leaf);
const nodeHash = (l, r) => sha(Buffer.from([1]), l, r);

// MTH of RFC 9162, 2.1.1, by its definition.
function root(hashes) {
  if (hashes.length === 0) return sha(Buffer.alloc(0));
  if (hashes.length === 1) return hashes[0];
  let k = 1;
  while (k * 2 < hashes.length) k *= 2;
  return nodeHash(root(hashes.slice(0, k)), root(hashes.slice(k)));
}

// RFC 9162, 2.1.3.2.
function inclusionRoot(hash, index, size, proof) {
  let [fn, sn, r] = [index, size - 1, hash];
  for (const p of proof) {
    assertThat(sn > 0, 'the proof is too long');
    if (fn % 2 === 1 || fn === sn) {
      r = nodeHash(p, r);
      while (fn % 2 === 0 && fn !== 0) [fn, sn] = [fn >> 1, sn >> 1];
    } else r = nodeHash(r, p);
    [fn, sn] = [fn >> 1, sn >> 1];
  }
  assertThat(sn === 0, 'the proof is too short');
  return r;
}

// RFC 9162, 2.1.4.2: the two roots that the proof speaks of.
function consistencyRoots(from, fromRoot, to, proof) {
  if (from === to) return [fromRoot, fromRoot];
  const path = (from & (from - 1)) === 0 ? [fromRoot, ...proof] : [...proof];
  let [fn, sn] = [from - 1, to - 1];
  while (fn % 2 === 1) [fn, sn] = [fn >> 1, sn >> 1];
  let [fr, sr] = [path[0], path[0]];
  for (const c of path.slice(1)) {
    assertThat(sn > 0, 'the proof is too long');
    if (fn % 2 === 1 || fn === sn) {
      fr = nodeHash(c, fr);
      sr = nodeHash(c, sr);
      while (fn % 2 === 0 && fn !== 0) [fn, sn] = [fn >> 1, sn >> 1];
    } else sr = nodeHash(sr, c);
    [fn, sn] = [fn >> 1, sn >> 1];
  }
  assertThat(sn === 0, 'the proof is too short');
  return [fr, sr];
}

function assertThat(ok, why) {
  if (!ok) throw new Error(why);
}

// "name+hash+base64" -> {name, id, key}; checks the hash.
function verifier(vkey) {
  const [, name, id, b64] = /^([^+]+)\+([0-9a-f]{8})\+(.*)$/.exec(vkey);
  const typed = Buffer.from(b64, 'base64');
  assertThat(typed.length === 33 && typed[0] === 1, 'not an Ed25519 verifier key');
  assertThat(sha(Buffer.from(`${name}\n`), typed).subarray(0, 4).toString('hex') === id, 'the hash is not the key\'s');
  const der = Buffer.concat([Buffer.from('302a300506032b6570032100', 'hex'), typed.subarray(1)]);
  return { name, id, key: crypto.createPublicKey({ key: der, format: 'der', type: 'spki' }), raw: typed.subarray(1) };
}

// A checkpoint, and which of the keys signed it: {origin, size, root, extensions, signers}.
function checkpoint(note, vkeys) {
  const at = note.lastIndexOf('\n\n');
  const text = note.slice(0, at + 1);
  const [origin, size, hash, ...extensions] = text.split('\n').slice(0, -1);
  const signers = [];
  for (const line of note.slice(at + 2).split('\n').slice(0, -1)) {
    const [, name, b64] = /^— (\S+) (\S+)$/.exec(line);
    const sig = Buffer.from(b64, 'base64');
    for (const vkey of vkeys) {
      const v = verifier(vkey);
      if (v.name !== name || v.id !== sig.subarray(0, 4).toString('hex')) continue;
      assertThat(crypto.verify(null, Buffer.from(text), v.key, sig.subarray(4)), 'a signature does not hold');
      signers.push(vkey);
    }
  }
  return { origin, size: Number(size), root: Buffer.from(hash, 'base64'), extensions, signers };
}

// Everything Export sends: {header, entries}.
async function exported(client, what, request = {}) {
  const log = { entries: [] };
  for await (const m of client.stream('Export', request, what)) {
    if (m.checkpoint) log.header = m;
    log.entries.push(...m.entries);
  }
  return log;
}

const b64 = (bytes) => (bytes ? bytes.toString('base64') : null);
const entryLine = (e) => ({
  index: Number(e.index), leaf: b64(e.leaf), salt: e.content && b64(e.content.salt), event: e.content && b64(e.content.event), erased: e.erased,
});

function writeExport(file, log) {
  const { size, checkpoint: note, keys } = log.header;
  const head = { ward_export: 1, size: Number(size), checkpoint: note, keys: keys.map(({ vkey, handover }) => ({ vkey, handover })) };
  fs.writeFileSync(file, [head, ...log.entries.map(entryLine)].map((l) => `${JSON.stringify(l)}\n`).join(''));
  return file;
}

function writeReceipt(file, r) {
  fs.writeFileSync(file, JSON.stringify({
    ward_receipt: 1, ...entryLine(r), proof: r.proof.map(b64), checkpoint: r.checkpoint, handovers: r.handovers,
  }));
  return file;
}

// The same as audit answers it: the message, serialized.
let receiptType;
function writeReceiptMessage(file, r) {
  if (!receiptType) {
    const proto = new protobuf.Root();
    proto.resolvePath = (_, name) => [path.join(repository, 'proto', name), path.join('/usr/include', name)].find((f) => fs.existsSync(f));
    receiptType = proto.loadSync('ward/audit/v1/audit.proto', { keepCase: true }).lookupType('ward.audit.v1.Receipt');
  }
  fs.writeFileSync(file, receiptType.encode(receiptType.fromObject(r)).finish());
  return file;
}

// UUIDv7, as a service would make it.
function newId() {
  const id = crypto.randomBytes(16);
  id.writeUIntBE(Date.now(), 0, 6);
  id[6] = (id[6] & 0x0f) | 0x70;
  id[8] = (id[8] & 0x3f) | 0x80;
  return id.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}

const event = (more = {}) => ({
  event_id: newId(), occurred_at_us: String(Date.now() * 1000), service: 'identity',
  action: '/ward.identity.v1.Identity/Verify', outcome: 'OUTCOME_SUCCESS', actor: 'nurse-7', peer: 'wardctl',
  patient: 'patient-1', purpose: 'TREAT', place: 'ward-3/bed-2', trace_id: crypto.randomBytes(16).toString('hex'),
  detail: { score: '0.83' }, ...more,
});

module.exports = {
  sha, leafHash, nodeHash, root, inclusionRoot, consistencyRoots, verifier, checkpoint, exported, writeExport, writeReceipt, writeReceiptMessage, event, newId,
};
