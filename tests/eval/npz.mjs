// npz.mjs - arrays of bytes from numpy's .npz, read by hand: a zip of .npy, deflated or stored.
import { readFileSync } from 'node:fs';
import { inflateRawSync } from 'node:zlib';

function entry(zip, at) { // of the central directory, at `at`
  const [method, size] = [zip.readUInt16LE(at + 10), zip.readUInt32LE(at + 20)];
  const [name, extra, comment] = [28, 30, 32].map((o) => zip.readUInt16LE(at + o));
  const local = zip.readUInt32LE(at + 42);
  const data = local + 30 + zip.readUInt16LE(local + 26) + zip.readUInt16LE(local + 28);
  const bytes = zip.subarray(data, data + size);
  return { name: zip.toString('utf8', at + 46, at + 46 + name), npy: method === 8 ? inflateRawSync(bytes) : bytes, next: at + 46 + name + extra + comment };
}

function array(npy) {
  const head = npy.toString('latin1', 10, 10 + npy.readUInt16LE(8));
  if (!/'descr': '\|u1'/.test(head)) return null;
  const shape = /'shape': \(([^)]*)\)/.exec(head)[1].split(',').filter((s) => s.trim()).map(Number);
  return { shape, data: npy.subarray(10 + npy.readUInt16LE(8)) };
}

// {name: {shape, data}} of the arrays of unsigned bytes; others are left out.
export function npz(file) {
  const zip = readFileSync(file), out = {};
  const end = zip.lastIndexOf(Buffer.from('PK\x05\x06', 'latin1'));
  for (let i = 0, at = zip.readUInt32LE(end + 16); i < zip.readUInt16LE(end + 10); i++) {
    const e = entry(zip, at);
    const a = array(e.npy);
    if (a) out[e.name.replace(/\.npy$/, '')] = a;
    at = e.next;
  }
  return out;
}
