'use strict';
// `wardctl release`: a release's folder is signed, and each kind of change to it is found. The images here are a few bytes; tests/image
// does the same with those that `make release` builds. The signature is also checked by node's own crypto, from the C2SP formats.

const { test, before } = require('node:test');
const assert = require('node:assert');
const crypto = require('node:crypto');
const fs = require('node:fs');
const path = require('node:path');
const { run } = require('../../lib/proc');
const { bin, folder } = require('../../lib/paths');
const { checkpoint } = require('../../lib/tree');

const COMMIT = '0123456789abcdef0123456789abcdef01234567';
const NAME = 'ward.example/release';
const dir = folder('release');
const keyFile = path.join(dir, 'key.pem');
const good = path.join(dir, 'good');
let vkey;

const sha = (bytes) => crypto.createHash('sha256').update(bytes).digest('hex');
const ctl = (...words) => run([bin('wardctl'), '--json', 'release', ...words], { env: { PATH: process.env.PATH, HOME: dir } });

function put(at, file, bytes) {
  fs.mkdirSync(path.dirname(path.join(at, file)), { recursive: true });
  fs.writeFileSync(path.join(at, file), bytes);
}

const blob = (at, bytes) => {
  put(at, `images/blobs/sha256/${sha(bytes)}`, bytes);
  return { digest: `sha256:${sha(bytes)}`, size: Buffer.byteLength(bytes) };
};

// An image of one layer: its manifest's digest.
function image(at, name, text) {
  const manifest = JSON.stringify({ schemaVersion: 2, config: blob(at, `{"of":"${name}"}`), layers: [blob(at, 'the base'), blob(at, text)] });
  const { digest } = blob(at, manifest);
  const hex = digest.slice(7);
  put(at, `provenance/${name}.intoto.json`, JSON.stringify({ subject: [{ name, digest: { sha256: hex } }] }));
  put(at, `sbom/${name}.spdx.json`, JSON.stringify({ packages: [{ checksums: [{ algorithm: 'SHA256', checksumValue: hex }] }] }));
  return { digest, annotations: { 'org.opencontainers.image.ref.name': name } };
}

function index(at, manifests) {
  put(at, 'images/index.json', JSON.stringify({ schemaVersion: 2, manifests }));
}

const sign = (at) => ctl('sign', '--key', keyFile, '--name', NAME, '--version', '1.2.0', '--commit', COMMIT, at);
const verify = (at, key = vkey) => ctl('verify', '--key', key, at);

before(async () => {
  const made = await ctl('key', '--name', NAME, keyFile);
  assert.strictEqual(made.status, 0, made.lines.join('\n'));
  vkey = JSON.parse(made.stdout).vkey;
  put(good, 'images/oci-layout', '{"imageLayoutVersion":"1.0.0"}');
  put(good, 'ward-1.2.0.tgz', 'the chart');
  index(good, [image(good, 'audit', 'audit itself'), image(good, 'identity-gpu', 'identity itself')]);
  const r = await sign(good);
  assert.strictEqual(r.status, 0, r.lines.join('\n'));
});

// A copy of the good release after a change.
function changed(change) {
  const at = fs.mkdtempSync(path.join(dir, 'changed-'));
  fs.cpSync(good, at, { recursive: true });
  change(at, (file) => fs.readFileSync(path.join(at, file), 'utf8'));
  return at;
}

const blobs = (at) => fs.readdirSync(path.join(at, 'images/blobs/sha256')).map((f) => path.join(at, 'images/blobs/sha256', f));
const blobWith = (at, text) => blobs(at).find((f) => fs.readFileSync(f, 'utf8').includes(text));

test('a_release_that_nobody_touched_is_verified', async () => {
  const r = await verify(good);
  assert.strictEqual(r.status, 0, r.lines.join('\n'));
  const v = JSON.parse(r.stdout);
  assert.deepStrictEqual([v.verified, v.version, v.commit, v.files, v.findings], [true, '1.2.0', COMMIT, 5, []]);
  assert.deepStrictEqual(v.images.map((i) => i.name), ['audit', 'identity-gpu']);
  const { manifests } = JSON.parse(fs.readFileSync(path.join(good, 'images/index.json')));
  assert.deepStrictEqual(v.images.map((i) => `sha256:${i.sha256}`), manifests.map((m) => m.digest));
});

test('a_client_not_ours_finds_the_signature_right', () => {
  const { signers } = checkpoint(fs.readFileSync(path.join(good, 'release.note'), 'utf8'), [vkey]);
  assert.deepStrictEqual(signers, [vkey]);
});

test('the_key_may_be_a_file_with_a_vkey_or_a_public_pem', async () => {
  const pem = crypto.createPublicKey(fs.readFileSync(keyFile)).export({ type: 'spki', format: 'pem' });
  put(dir, 'pub.pem', pem);
  put(dir, 'vkey', `${vkey}\n`);
  assert.strictEqual((await verify(good, path.join(dir, 'vkey'))).status, 0);
  assert.strictEqual((await ctl('verify', '--key', path.join(dir, 'pub.pem'), '--name', NAME, good)).status, 0);
});

test('a_key_is_private_and_never_replaced', async () => {
  assert.strictEqual(fs.statSync(keyFile).mode & 0o777, 0o600);
  const r = await ctl('key', '--name', NAME, keyFile);
  assert.strictEqual(r.status, 1);
  assert.strictEqual(JSON.parse(r.lines.join('')).error.code, 'ALREADY_EXISTS');
});

const TAMPERED = {
  a_changed_file: ['FILE_CHANGED', (at) => put(at, 'ward-1.2.0.tgz', 'the chArt')],
  a_missing_file: ['FILE_MISSING', (at) => fs.rmSync(path.join(at, 'ward-1.2.0.tgz'))],
  a_file_more: ['FILE_UNSIGNED', (at) => put(at, 'values.yaml', 'image: evil')],
  a_link_in_place_of_a_file: ['FILE_UNREADABLE', (at) => {
    fs.renameSync(path.join(at, 'ward-1.2.0.tgz'), path.join(dir, 'elsewhere'));
    fs.symlinkSync(path.join(dir, 'elsewhere'), path.join(at, 'ward-1.2.0.tgz'));
  }],
  a_changed_layer: ['IMAGE_CHANGED', (at) => fs.writeFileSync(blobWith(at, 'audit itself'), 'audit itsElf')],
  a_missing_layer: ['IMAGE_MISSING', (at) => fs.rmSync(blobWith(at, 'the base'))],
  a_changed_manifest: ['IMAGE_CHANGED', (at) => {
    const file = blobWith(at, '"layers"');
    fs.writeFileSync(file, fs.readFileSync(file, 'utf8').replace('"schemaVersion":2', '"schemaVersion":3'));
  }],
  an_index_that_names_another_image: ['IMAGE_CHANGED', (at, read) => {
    const i = JSON.parse(read('images/index.json'));
    i.manifests[0].digest = i.manifests[1].digest;
    put(at, 'images/index.json', JSON.stringify(i));
  }],
  an_image_that_is_there_twice: ['IMAGE_MISSING', (at, read) => {
    const i = JSON.parse(read('images/index.json'));
    put(at, 'images/index.json', JSON.stringify({ ...i, manifests: [...i.manifests, i.manifests[0]] }));
  }],
  a_blob_of_no_signed_image: ['FILE_UNSIGNED', (at) => blob(at, 'a layer of somebody else')],
  no_index: ['IMAGE_MISSING', (at) => fs.rmSync(path.join(at, 'images/index.json'))],
  a_changed_line_of_the_list: ['SIGNATURE', (at, read) => put(at, 'release.note', read('release.note').replace('version 1.2.0', 'version 1.2.1'))],
  a_signature_taken_away: ['SIGNATURE', (at, read) => put(at, 'release.note', read('release.note').split('\n\n')[0].concat('\n\n'))],
  a_note_that_is_none: ['SIGNATURE', (at) => put(at, 'release.note', '\0\0\0')],
};

for (const [name, [what, change]] of Object.entries(TAMPERED)) {
  test(`${name}_is_found`, async () => {
    const r = await verify(changed(change));
    assert.strictEqual(r.status, 1);
    const v = JSON.parse(r.stdout);
    assert.strictEqual(v.verified, false);
    assert.ok(v.findings.some((f) => f.what === what), r.stdout);
  });
}

test('a_list_signed_by_another_key_is_refused', async () => {
  const other = path.join(dir, 'other.pem');
  assert.strictEqual((await ctl('key', '--name', NAME, other)).status, 0);
  const at = changed(() => {});
  assert.strictEqual((await ctl('sign', '--key', other, '--name', NAME, '--version', '1.2.0', '--commit', COMMIT, at)).status, 0);
  const v = JSON.parse((await verify(at)).stdout);
  assert.deepStrictEqual([v.verified, v.findings[0].what], [false, 'SIGNATURE']);
});

test('provenance_and_an_sbom_of_another_image_are_found_though_they_are_signed', async () => {
  for (const [folderName, suffix, what] of [['provenance', 'intoto.json', 'PROVENANCE'], ['sbom', 'spdx.json', 'SBOM']]) {
    const at = changed((to) => fs.copyFileSync(path.join(to, folderName, `audit.${suffix}`), path.join(to, folderName, `identity-gpu.${suffix}`)));
    await sign(at);
    const v = JSON.parse((await verify(at)).stdout);
    assert.deepStrictEqual(v.findings.map((f) => f.what), [what]);
    const without = changed((to) => fs.rmSync(path.join(to, folderName, `audit.${suffix}`)));
    await sign(without);
    assert.deepStrictEqual(JSON.parse((await verify(without)).stdout).findings.map((f) => f.what), [what]);
  }
});

test('what_no_release_can_have_is_not_signed', async () => {
  for (const change of [(at) => put(at, 'a name with blanks', ''), (at) => fs.symlinkSync('/etc/passwd', path.join(at, 'passwd')), (at) => index(at, [{ digest: 'sha256:00' }])]) {
    assert.strictEqual((await sign(changed(change))).status, 1);
  }
});

test('a_wrong_command_line_says_what_is_missing', async () => {
  for (const words of [['verify', good], ['sign', good], ['key', 'x'], ['verify', '--key', vkey]]) {
    assert.strictEqual((await ctl(...words)).status, 2, words.join(' '));
  }
  const r = await verify(path.join(dir, 'nowhere'));
  assert.strictEqual(r.status, 1);
});
