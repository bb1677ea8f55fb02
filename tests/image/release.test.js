'use strict';
// `make release`: the folder that a hospital downloads. It is verified, its SBOMs name all that is in the images, its provenance is of
// these images, and the chart in it renders each image by the digest that was signed.

const { test, before } = require('node:test');
const assert = require('node:assert');
const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { dir, env, podman, missing, digests } = require('./podman');
const { faults } = require('./spdx');
const { run } = require('../lib/proc');
const { root, build, bin, folder } = require('../lib/paths');
const helm = require('../chart/helm');

const skip = missing();
const tmp = folder('release');
const out = path.join(tmp, 'out');
const VERSION = '1.2.3';
let vkey;

const ctl = (...words) => run([bin('wardctl'), '--json', 'release', ...words], { env });
const verify = async () => JSON.parse((await ctl('verify', '--key', vkey, out)).stdout);
const json = (...names) => JSON.parse(fs.readFileSync(path.join(out, ...names), 'utf8'));

before(async () => {
  if (skip) return;
  const key = path.join(tmp, 'key.pem');
  vkey = JSON.parse((await ctl('key', '--name', 'ward.example/test', key)).stdout).vkey;
  const r = await run([path.join(root, 'deploy/image/release'), out], { env: { ...env, BUILD: build, VERSION, KEY: key, KEY_NAME: 'ward.example/test', DIRTY: '1' }, cwd: root });
  assert.strictEqual(r.status, 0, r.lines.join('\n'));
});

test('the_release_is_verified', { skip }, async () => {
  const v = await verify();
  assert.deepStrictEqual(v.findings, []);
  assert.deepStrictEqual([v.verified, v.version], [true, VERSION]);
  assert.deepStrictEqual(Object.fromEntries(v.images.map((i) => [i.name, `sha256:${i.sha256}`])), digests());
});

test('a_changed_layer_of_an_image_is_found', { skip }, async () => {
  const blobs = path.join(out, 'images/blobs/sha256');
  const [largest] = fs.readdirSync(blobs).sort((a, b) => fs.statSync(path.join(blobs, b)).size - fs.statSync(path.join(blobs, a)).size);
  const fd = fs.openSync(path.join(blobs, largest), 'r+');
  const byte = Buffer.alloc(1);
  fs.readSync(fd, byte, 0, 1, 100000);
  fs.writeSync(fd, Buffer.of(byte[0] ^ 1), 0, 1, 100000);
  const v = await verify();
  fs.writeSync(fd, byte, 0, 1, 100000);
  fs.closeSync(fd);
  assert.deepStrictEqual([v.verified, v.findings[0].what], [false, 'IMAGE_CHANGED']);
  assert.strictEqual((await verify()).verified, true);
});

// The shared libraries that each file of an image wants, and those that there are.
function elves(mount) {
  const wants = new Set(), has = new Set();
  for (const file of execFileSync('find', [mount, '-type', 'f', '(', '-name', '*.so*', '-o', '-path', '*/usr/bin/*', ')'], { encoding: 'utf8' }).trim().split('\n')) {
    has.add(path.basename(file));
    const text = execFileSync('readelf', ['-d', file], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
    for (const m of text.matchAll(/\((NEEDED|SONAME)\).*\[(.*)\]/g)) (m[1] === 'NEEDED' ? wants : has).add(m[2]);
  }
  return { wants, has };
}

test('every_sbom_holds_and_names_all_that_is_in_its_image', { skip }, async () => {
  for (const name of Object.keys(digests())) {
    const doc = json('sbom', `${name}.spdx.json`);
    assert.deepStrictEqual(faults(doc), [], name);
    const mount = await podman('image', 'mount', `localhost/ward/${name}`);
    try {
      const { wants, has } = elves(mount);
      assert.deepStrictEqual([...wants].filter((w) => !has.has(w)), [], `libraries that ${name} lacks`);
      const listed = new Set(doc.packages.map((p) => p.name));
      const there = fs.readFileSync(path.join(mount, 'var/lib/dpkg/status'), 'utf8').match(/^Package: .*$/gm).map((l) => l.slice(9));
      assert.deepStrictEqual(there.filter((p) => !listed.has(p)), []);
      const models = execFileSync('find', [mount, '-name', '*.onnx'], { encoding: 'utf8' }).split('\n').filter(Boolean).map((f) => f.slice(mount.length));
      const said = JSON.stringify(doc.packages);
      for (const m of models) assert.ok(said.includes(m), `${name}'s SBOM lacks ${m}`);
      assert.ok(doc.packages.some((p) => p.name === 'libgrpc-dev'), 'what is linked statically');
      assert.strictEqual(doc.packages.some((p) => p.name === 'com.github.asus4.onnxruntime'), fs.existsSync(path.join(mount, 'usr/lib/ward/ort')), 'ONNX Runtime');
    } finally {
      await podman('image', 'unmount', `localhost/ward/${name}`);
    }
  }
});

test('a_broken_sbom_is_told_from_a_good_one', { skip }, () => {
  const change = (fn) => { const doc = json('sbom', 'audit.spdx.json'); fn(doc); return faults(doc); };
  assert.deepStrictEqual(change(() => {}), []);
  for (const fn of [(d) => { delete d.packages[0].downloadLocation; }, (d) => { d.packages[1].SPDXID = d.packages[0].SPDXID; }, (d) => { d.spdxVersion = 'SPDX-2.2'; },
    (d) => { d.relationships.pop(); }, (d) => { d.packages[0].checksums[0].checksumValue = 'ab'; }, (d) => { d.more = 1; }]) {
    assert.notDeepStrictEqual(change(fn), []);
  }
});

test('provenance_is_of_the_image_and_of_this_commit', { skip }, () => {
  const commit = execFileSync('git', ['rev-parse', 'HEAD'], { cwd: root, encoding: 'utf8' }).trim();
  for (const [name, digest] of Object.entries(digests())) {
    const s = json('provenance', `${name}.intoto.json`);
    assert.deepStrictEqual([s._type, s.predicateType], ['https://in-toto.io/Statement/v1', 'https://slsa.dev/provenance/v1']);
    assert.deepStrictEqual(s.subject, [{ name: `ward/${name}`, digest: { sha256: digest.slice(7) } }]);
    const { buildDefinition: b, runDetails } = s.predicate;
    assert.deepStrictEqual([b.externalParameters.service, b.externalParameters.version], [name.split('-')[0], VERSION]);
    assert.strictEqual(b.resolvedDependencies[0].digest.gitCommit, commit);
    for (const d of b.resolvedDependencies.slice(1)) assert.match(d.digest.sha256, /^[0-9a-f]{64}$/);
    assert.ok(b.buildType.startsWith('https://') && runDetails.builder.id.startsWith('https://'));
  }
});

test('the_chart_of_the_release_renders_the_images_that_were_signed', { skip: skip || helm.missing }, () => {
  const tgz = path.join(out, `ward-${VERSION}.tgz`);
  const values = path.join(tmp, 'values.yaml');
  fs.writeFileSync(values, 'database: {host: mariadb.example}\n');
  const r = helm.helm('template', 'ward', tgz, '--values', path.join(out, 'images.yaml'), '--values', values);
  assert.strictEqual(r.status, 0, r.err);
  const images = new Set(helm.parse(r.out).map(helm.podOf).filter(Boolean).flatMap((p) => [...(p.spec.initContainers ?? []), ...p.spec.containers].map((c) => c.image)));
  assert.deepStrictEqual([...images].sort(), Object.entries(digests()).filter(([n]) => !n.includes('-')).map(([n, d]) => `registry.example/ward/${n}@${d}`).sort());
  assert.strictEqual(helm.helm('lint', '--strict', tgz, '--values', values).status, 0);
});

test('a_registry_that_takes_the_images_keeps_their_digests', { skip }, async () => {
  const to = path.join(tmp, 'registry'); // a layout of its own: no registry is here
  for (const [name, digest] of Object.entries(digests())) {
    const r = await run(['skopeo', 'copy', '--quiet', '--preserve-digests', `oci:${out}/images:${name}`, `oci:${to}:${name}`], { env });
    assert.strictEqual(r.status, 0, r.lines.join('\n'));
    const i = await run(['skopeo', 'inspect', '--format', '{{.Digest}}', `oci:${to}:${name}`], { env });
    assert.strictEqual(i.stdout.trim(), digest);
  }
});

test('a_device_s_image_is_the_cpu_image_and_one_layer_more', { skip }, async () => {
  const again = path.join(dir, 'classes');
  const layers = (at, name) => {
    const read = (digest) => JSON.parse(fs.readFileSync(path.join(at, 'oci/blobs/sha256', digest.slice(7)), 'utf8'));
    return read(digests(at)[name]).layers.map((l) => l.digest);
  };
  try {
    fs.cpSync(path.join(dir, 'stage'), path.join(again, 'stage'), { recursive: true, verbatimSymlinks: true });
    for (const cls of ['gpu', 'npu']) {
      const r = await run([path.join(root, 'deploy/image/build'), 'diagnosis'], { env: { ...env, BUILD: build, IMG: again, CLASS: cls }, cwd: root });
      assert.strictEqual(r.status, 0, r.lines.join('\n'));
      const cpu = layers(dir, 'diagnosis'), more = layers(again, `diagnosis-${cls}`);
      assert.deepStrictEqual(more.slice(0, -1), cpu);
      assert.strictEqual(more.length, cpu.length + 1);
    }
  } finally {
    await run(['podman', '--root', path.join(again, 'store'), '--runroot', path.join(again, 'run'), 'rmi', '--all', '--force'], { env });
    fs.rmSync(again, { recursive: true, force: true });
  }
});
