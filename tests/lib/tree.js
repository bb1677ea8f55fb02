'use strict';
// The audit log's tree and signed heads, worked out again from RFC 9162 and the C2SP formats with
// node's crypto alone, so that a mistake of ours cannot agree with itself.

const crypto = require('node:crypto');

const sha = (...parts) => crypto.createHash('sha256').update(Buffer.concat(parts)).digest();
const leafHash = (leaf) => sha(Buffer.of(0), leaf);
const nodeHash = (left, right) => sha(Buffer.of(1), left, right);

// RFC 9162, 2.1.1, of leaf hashes.
function root(hashes) {
  if (hashes.length === 0) return sha();
  if (hashes.length === 1) return hashes[0];
  let k = 1;
  while (2 * k < hashes.length) k *= 2;
  return nodeHash(root(hashes.slice(0, k)), root(hashes.slice(k)));
}

// RFC 9162, 2.1.3.2: the root that an inclusion proof leads to.
function rootOfProof(index, size, hash, proof) {
  let fn = index, sn = size - 1, r = hash;
  for (const p of proof) {
    if (sn === 0) throw new Error('the proof is too long');
    if (fn % 2 === 1 || fn === sn) {
      r = nodeHash(p, r);
      while (fn % 2 === 0 && fn !== 0) { fn = Math.floor(fn / 2); sn = Math.floor(sn / 2); }
    } else {
      r = nodeHash(r, p);
    }
    fn = Math.floor(fn / 2);
    sn = Math.floor(sn / 2);
  }
  if (sn !== 0) throw new Error('the proof is too short');
  return r;
}

// A checkpoint checked against verifier keys ("name+hash+base64"): {origin, size, root, signers}.
function checkpoint(note, vkeys) {
  const at = note.indexOf('\n\n');
  const text = note.slice(0, at + 1);
  const [origin, size, hash] = text.split('\n');
  const signers = [];
  for (const vkey of vkeys) {
    const [name, id, key] = vkey.match(/^([^+]+)\+([0-9a-f]{8})\+(.*)$/).slice(1);
    const raw = Buffer.from(key, 'base64');
    if (raw[0] !== 1) throw new Error('not an Ed25519 key');
    const pub = crypto.createPublicKey({
      key: Buffer.concat([Buffer.from('302a300506032b6570032100', 'hex'), raw.subarray(1)]), format: 'der', type: 'spki',
    });
    for (const line of note.slice(at + 2).split('\n')) {
      const [, by, sig] = line.match(/^\u2014 (\S+) (\S+)$/) || [];
      if (by !== name) continue;
      const bytes = Buffer.from(sig, 'base64');
      if (bytes.subarray(0, 4).toString('hex') === id && crypto.verify(null, Buffer.from(text), pub, bytes.subarray(4))) signers.push(vkey);
    }
  }
  return { origin, size: Number(size), root: Buffer.from(hash, 'base64'), signers };
}

module.exports = { leafHash, root, rootOfProof, checkpoint };
