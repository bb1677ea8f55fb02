'use strict';
// The dose check as a program (tests/tools/check_run): rule sets and snapshots in, decisions out, many in one run.

const { spawnSync } = require('node:child_process');
const path = require('node:path');
const protobuf = require('protobufjs');
const { root, build } = require('../../lib/paths');

const proto = new protobuf.Root();
proto.resolvePath = (_, file) => (file.startsWith('google/protobuf/') ? path.join('/usr/include', file) : path.resolve(root, 'proto', file));
proto.loadSync(['ward/dosage/v1/check.proto', 'ward/dosage/v1/formulary.proto'], { keepCase: true });
const RuleSet = proto.lookupType('ward.dosage.v1.RuleSet');
const Snapshot = proto.lookupType('ward.dosage.v1.Snapshot');
const Decision = proto.lookupType('ward.dosage.v1.Decision');

const encode = (type, value) => Buffer.from(type.encode(type.fromObject(value)).finish());
const encodeSnapshot = (value) => encode(Snapshot, value);

// A set as its parts' bytes: protobuf's of the whole is theirs one after another, so one part is replaced for little.
class Parts {
  constructor(set) {
    this.parts = {};
    for (const [name, value] of Object.entries(set)) {
      this.parts[name] = Array.isArray(value) ? value.map((v) => encode(RuleSet, { [name]: [v] })) : [encode(RuleSet, { [name]: value })];
    }
  }

  // With the i-th of a list replaced, or (undefined) left out; of the other parts those that keep(list, index) keeps.
  bytes(name, i, value, keep = () => true) {
    const all = [];
    for (const [key, list] of Object.entries(this.parts)) {
      if (key !== name) all.push(...list.filter((_, k) => keep(key, k)));
      else {
        const kept = (from, to) => list.slice(from, to).filter((_, k) => keep(key, from + k));
        all.push(...kept(0, i), ...(value === undefined ? [] : [encode(RuleSet, { [name]: [value] })]), ...kept(i + 1, list.length));
      }
    }
    return Buffer.concat(all);
  }
}

function frame(kind, bytes) {
  const head = Buffer.alloc(5);
  head.write(kind, 0, 'latin1');
  head.writeUInt32LE(bytes.length, 1);
  return Buffer.concat([head, bytes]);
}

function answers(out) {
  const list = [];
  for (let at = 0; at < out.length;) {
    const n = out.readUInt32LE(at + 1);
    const body = out.subarray(at + 5, at + 5 + n);
    const kind = String.fromCharCode(out[at]);
    if (kind === 'D') list.push(Decision.toObject(Decision.decode(body), { enums: String, longs: String, arrays: true }));
    else list.push(kind === 'R' ? null : { error: body.toString() });
    at += 5 + n;
  }
  return list;
}

// runs: [{ set: bytes of a RuleSet, snapshots: [bytes] }] → [{ error } or { decisions }], in order.
function runAll(runs) {
  const input = Buffer.concat(runs.flatMap((r) => [frame('R', r.set), ...r.snapshots.map((s) => frame('S', s))]));
  const p = spawnSync(path.join(build, 'tests/check_run'), [], { input, maxBuffer: 1 << 30 });
  if (p.status !== 0) throw new Error(`check_run ended with ${p.status ?? p.signal}: ${p.stderr}`);
  const all = answers(p.stdout);
  let at = 0;
  return runs.map((r) => {
    const made = all[at++];
    const decisions = all.slice(at, at + r.snapshots.length);
    at += r.snapshots.length;
    return made === null ? { decisions } : { error: made.error };
  });
}

module.exports = { RuleSet, Parts, encode, encodeSnapshot, runAll };
