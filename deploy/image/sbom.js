'use strict';
// sbom.js NAME DIGEST [OUT] - the SPDX 2.3 document of an image that deploy/image/build made: Ward, Debian's packages by dpkg-query, what is
// linked statically, ONNX Runtime and the models by tools/models.lock. Written twice for one image, it is the same to the byte.
// Environment: BUILD, VERSION, COMMIT, SOURCE_DATE_EPOCH.

const crypto = require('node:crypto');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { execFileSync } = require('node:child_process');

const root = path.resolve(__dirname, '../..');
const build = path.resolve(root, process.env.BUILD || 'build');
const stage = path.join(build, 'image/stage');
const WITH_CPU = ['identity', 'records', 'diagnosis'];
const NONE = 'NOASSERTION';

const sha256 = (bytes) => crypto.createHash('sha256').update(bytes).digest('hex');
const idOf = (...words) => `SPDXRef-${words.join('-').replace(/[^A-Za-z0-9.-]/g, '-')}`;
const purl = (locator) => [{ referenceCategory: 'PACKAGE-MANAGER', referenceType: 'purl', referenceLocator: locator }];

function pack(id, name, version, { locator, license = NONE, sums = [], supplier = NONE, purpose = 'LIBRARY', from = NONE, comment }) {
  return {
    SPDXID: id, name, versionInfo: version, downloadLocation: from, filesAnalyzed: false, licenseConcluded: NONE, licenseDeclared: license, copyrightText: NONE, supplier,
    primaryPackagePurpose: purpose, ...(sums.length ? { checksums: sums } : {}), ...(locator ? { externalRefs: purl(locator) } : {}), ...(comment ? { comment } : {}),
  };
}

/* ---- Debian ---- */

const FORMAT = '${Package}\t${Version}\t${Architecture}\t${source:Package}\t${Maintainer}\n';
const dpkg = (...args) => execFileSync('dpkg-query', [...args, '-W', `-f=${FORMAT}`], { encoding: 'utf8', env: { ...process.env, LC_ALL: 'C' } })
  .trim().split('\n').map((l) => l.split('\t'));

function debian([name, version, arch, source, maintainer], prefix, comment) {
  return pack(idOf(prefix, name), name, version, {
    locator: `pkg:deb/debian/${name}@${encodeURIComponent(version)}?arch=${arch}&distro=bookworm`, supplier: `Organization: Debian (${maintainer.replace(/ <.*/, '')})`,
    from: `https://packages.debian.org/source/bookworm/${source}`, comment,
  });
}

// What the base has, from its own record of it.
function installed() {
  const admin = fs.mkdtempSync(path.join(os.tmpdir(), 'dpkg-'));
  try {
    fs.writeFileSync(path.join(admin, 'status'), execFileSync('tar', ['-xOf', path.join(stage, 'base.tar'), './var/lib/dpkg/status'], { maxBuffer: 1 << 26 }));
    return dpkg(`--admindir=${admin}`).map((row) => debian(row, 'deb'));
  } finally {
    fs.rmSync(admin, { recursive: true });
  }
}

// Archives that are linked into the programs (GRPC_A of tools/build/packages.mk), by the package that owns each.
function linked() {
  const libs = execFileSync('pkg-config', ['--libs', '--static', 'grpc', 'gpr'], { encoding: 'utf8' }).match(/-l(grpc|gpr|upb|address_sorting|re2|cares|absl_\w+)\b/g);
  const folder = execFileSync('gcc', ['-print-multiarch'], { encoding: 'utf8' }).trim();
  const files = [...new Set(libs)].map((l) => `/usr/lib/${folder}/lib${l.slice(2)}.a`).filter((f) => fs.existsSync(f));
  const owners = execFileSync('dpkg-query', ['-S', ...files], { encoding: 'utf8' }).trim().split('\n').map((l) => l.split(': ')[0]);
  return dpkg().filter(([name, , arch]) => owners.includes(`${name}:${arch}`) || owners.includes(name))
    .map((row) => debian(row, 'static', 'Linked into the program.'));
}

/* ---- npm: ONNX Runtime and models, by the sums of their files ---- */

// sha256 -> {name, version, file}, from the locks.
function locked() {
  const of = new Map();
  for (const lock of ['tools/models.lock', 'tools/models-gpu.lock']) {
    let current;
    for (const line of fs.readFileSync(path.join(root, lock), 'utf8').split('\n')) {
      const [word, a, b, c] = line.split(' ');
      if (word === 'package') current = { name: a, version: b, integrity: c };
      if (word === 'file' || word === 'convert') of.set(a, { ...current, made: word === 'convert' ? `converted by ${b}` : `its ${b}` });
    }
  }
  return of;
}

function* filesUnder(dir) {
  if (!fs.existsSync(dir)) return;
  for (const e of fs.readdirSync(dir, { withFileTypes: true }).sort((x, y) => (x.name < y.name ? -1 : 1))) {
    const at = path.join(dir, e.name);
    if (e.isDirectory()) yield* filesUnder(at);
    else if (e.isFile()) yield at;
  }
}

// The packages whose files are in these layers, and the models of this repository.
function fetched(layers) {
  const from = locked();
  const found = new Map(), own = [];
  for (const layer of layers) {
    for (const file of filesUnder(path.join(stage, layer))) {
      const sum = sha256(fs.readFileSync(file));
      const where = `/${path.relative(path.join(stage, layer), file)}`;
      const p = from.get(sum);
      if (p) found.set(p.name, { ...p, files: [...(found.get(p.name)?.files ?? []), `${where} (${p.made}), SHA-256 ${sum}`] });
      else if (/\.onnx$/.test(file)) own.push([where, sum]);
    }
  }
  const npm = [...found.values()].sort((a, b) => (a.name < b.name ? -1 : 1)).map((p) => pack(idOf('npm', p.name), p.name, p.version, {
    locator: `pkg:npm/${p.name.replace('@', '%40')}@${p.version}`, sums: [{ algorithm: 'SHA512', checksumValue: Buffer.from(p.integrity.replace('sha512-', ''), 'base64').toString('hex') }],
    from: NONE, comment: `Files of it: ${p.files.join('; ')}`,
  }));
  const models = own.map(([where, sum]) => pack(idOf('model', where.replace(/^\/usr\/share\/ward\/models\//, '')), where, process.env.VERSION, {
    license: 'Apache-2.0', sums: [{ algorithm: 'SHA256', checksumValue: sum }], purpose: 'FILE', supplier: 'Organization: the Ward authors',
  }));
  return [...npm, ...models];
}

/* ---- the document ---- */

function document(name, digest) {
  const [service, , cls] = /^([a-z]+)(-(gpu|npu))?$/.exec(name).slice(1);
  const hex = digest.replace('sha256:', '');
  const layers = [`program/${service}`, ...(WITH_CPU.includes(service) ? ['plugins/cpu', `models/${service}`] : []), ...(cls ? [`plugins/${cls}`] : [])];
  const image = pack(idOf('image', name), `ward-${name}`, process.env.VERSION, {
    locator: `pkg:oci/${name}@sha256%3A${hex}`, license: 'Apache-2.0', sums: [{ algorithm: 'SHA256', checksumValue: hex }], purpose: 'CONTAINER', supplier: 'Organization: the Ward authors',
  });
  const ward = pack(idOf('ward', service), `ward ${service}`, process.env.VERSION, {
    license: 'Apache-2.0', purpose: 'APPLICATION', supplier: 'Organization: the Ward authors', comment: `Commit ${process.env.COMMIT}.`,
    sums: [{ algorithm: 'SHA256', checksumValue: sha256(fs.readFileSync(path.join(stage, `program/${service}/usr/bin/${service}`))) }],
  });
  const parts = [ward, ...installed(), ...fetched(layers)], statics = linked();
  const relation = (spdxElementId, relationshipType, relatedSpdxElement) => ({ spdxElementId, relationshipType, relatedSpdxElement });
  return {
    spdxVersion: 'SPDX-2.3', dataLicense: 'CC0-1.0', SPDXID: 'SPDXRef-DOCUMENT', name: `ward-${name}-${process.env.VERSION}`, documentNamespace: `https://ward.example/spdx/${name}/${hex}`,
    creationInfo: { created: `${new Date(process.env.SOURCE_DATE_EPOCH * 1000).toISOString().slice(0, 19)}Z`, creators: ['Tool: ward deploy/image/sbom.js', 'Organization: the Ward authors'] },
    packages: [image, ...parts, ...statics],
    relationships: [relation('SPDXRef-DOCUMENT', 'DESCRIBES', image.SPDXID), ...parts.map((p) => relation(image.SPDXID, 'CONTAINS', p.SPDXID)),
      ...statics.map((p) => relation(ward.SPDXID, 'STATIC_LINK', p.SPDXID))],
  };
}

if (require.main === module) {
  const [name, digest, out] = process.argv.slice(2);
  const text = `${JSON.stringify(document(name, digest), null, 1)}\n`;
  if (out) fs.writeFileSync(out, text);
  else process.stdout.write(text);
}

module.exports = { document, WITH_CPU };
