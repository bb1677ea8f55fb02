'use strict';
// examples/: the whole journey in each language, by the packages of the .proto files, against `wardctl up` as examples/README.md has it.
// A language whose packages are not on this machine is skipped, with what is missing.

const { test, before, after, describe } = require('node:test');
const assert = require('node:assert');
const { execFileSync, spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { Up } = require('../lib/up');
const { run, must } = require('../lib/proc');
const { bin, build, folder, models, photo, root } = require('../lib/paths');

const skip = photo('christian') && fs.existsSync(path.join(models, 'faceplugin/fr_feature.onnx')) ? false : 'no models or portraits (tools/fetch-models)';
const env = { PATH: process.env.PATH, HOME: process.env.HOME, BUILD: build, LC_ALL: 'C.UTF-8' };
const has = (program, ...args) => spawnSync(program, args, { env, stdio: 'ignore' }).status === 0;
const there = (...files) => files.every((f) => fs.existsSync(f));

const PYTHON = '/usr/bin/python3';
const JARS = ['grpc-api', 'grpc-core', 'grpc-context', 'grpc-stub', 'grpc-protobuf', 'grpc-protobuf-lite', 'grpc-netty', 'protobuf', 'guava', 'netty-all', 'netty-buffer',
  'netty-codec', 'netty-codec-http', 'netty-codec-http2', 'netty-codec-socks', 'netty-common', 'netty-handler', 'netty-handler-proxy', 'netty-resolver', 'netty-transport',
  'netty-tcnative', 'perfmark-api', 'perfmark-impl', 'proto-google-common-protos', 'opencensus-api'].map((name) => `/usr/share/java/${name}.jar`);
const TCNATIVE = '/usr/lib/x86_64-linux-gnu/jni/libnetty-tcnative.so';

let up, dir, conf, key;

// The package of a kind; all are made where one is missing.
function pack(pattern) {
  const packages = path.join(build, 'packages');
  const find = () => fs.existsSync(packages) && fs.readdirSync(packages).find((f) => pattern.test(f));
  if (!find()) execFileSync(path.join(root, 'tools/pack-protos'), [packages], { env, stdio: 'pipe' });
  return path.join(packages, find());
}

const LANGUAGES = {
  c: { missing: !there(path.join(build, 'examples/journey')) && 'build/examples/journey', command: () => ({ argv: [path.join(build, 'examples/journey')] }) },
  node: {
    missing: false,
    async command() {
      const modules = path.join(dir, 'node_modules');
      const at = path.join(modules, 'ward-protos');
      fs.mkdirSync(at, { recursive: true });
      await must(['tar', '-xzf', pack(/^ward-protos-[\d.]+\.tgz$/), '-C', at, '--strip-components=1'], { env });
      return { argv: [process.execPath, path.join(root, 'examples/node/journey.js')], env: { NODE_PATH: `${modules}:${path.join(root, 'node_modules')}` } };
    },
  },
  python: {
    missing: !has(PYTHON, '-c', 'import grpc, google.protobuf') && 'python3-grpcio',
    async command() {
      const at = path.join(dir, 'site');
      await must([PYTHON, '-m', 'zipfile', '-e', pack(/^ward_protos-.*\.whl$/), at], { env });
      return { argv: [PYTHON, path.join(root, 'examples/python/journey.py')], env: { PYTHONPATH: at } };
    },
  },
  java: {
    missing: (!has('javac', '--version') || !has('sh', '-c', 'command -v grpc_java_plugin') || !there(...JARS, TCNATIVE)) && 'grpc-java (make deps-examples)',
    async command() {
      // Debian's file has a name that its own netty does not look for.
      fs.copyFileSync(TCNATIVE, path.join(dir, 'libnetty_tcnative.so'));
      return { argv: ['java', `-Djava.library.path=${dir}`, '-cp', [pack(/^ward-protos-.*\.jar$/), ...JARS].join(':'), path.join(root, 'examples/java/Journey.java')] };
    },
  },
};

describe('the examples', { skip }, () => {
  before(async () => {
    dir = folder('examples');
    up = await new Up().start();
    const again = path.join(dir, 'again.jpg');
    await must([path.join(build, 'tests/recapture'), photo('christian'), again], { env });
    await must([path.join(root, 'examples/prepare.js'), dir, '--data', up.dir, '--photo', photo('christian'), '--again', again], { env });
    conf = path.join(dir, 'ward.properties');
    [{ vkey: key }] = await up.ask('audit', 'keys');
  });
  after(() => up?.stop());

  for (const [language, { missing, command }] of Object.entries(LANGUAGES)) {
    test(`the journey in ${language}`, { skip: missing ? `${missing} is not here` : false }, async () => {
      const receipt = path.join(dir, `receipt-${language}`);
      const { argv, env: more } = await command();
      const r = await run([...argv, conf, receipt], { env: { ...env, ...more } });
      assert.strictEqual(r.status, 0, r.lines.join('\n'));
      const lines = r.stdout.trim().split('\n');
      assert.match(lines[0], /^refused {2}amoxicillin: allergy-penicillins$/);
      assert.match(lines[1], /^given {4}once: [0-9a-f-]{36}$/);
      assert.match(lines[2], /^refused {2}PERMISSION_DENIED ROLE_MISSING$/);
      assert.match(lines[3], /^receipt {2}of entry \d+$/);
      assert.strictEqual(lines.length, 4);
      const v = await up.ctl('audit', 'verify', '--key', key, '--receipt', receipt);
      assert.strictEqual(v.status, 0, v.lines.join('\n'));
      assert.strictEqual(v.json().receipt.index, Number(lines[3].split(' ').pop()));
      assert.strictEqual(v.json().receipt.service, 'dosage');
    });
  }

  // The nurse's token at the end of its life: what an integrator sees first.
  test('an example without a token says why', async () => {
    const bad = path.join(dir, 'bad.properties');
    fs.writeFileSync(bad, fs.readFileSync(conf, 'utf8').replace(/token.registrar=.*/, 'token.registrar=x'));
    const { argv, env: more } = await LANGUAGES.node.command();
    const r = await run([...argv, bad, path.join(dir, 'none')], { env: { ...env, ...more } });
    assert.notStrictEqual(r.status, 0);
    assert.match(r.lines.join('\n'), /UNAUTHENTICATED TOKEN_MALFORMED/);
  });
});

describe('the packages', () => {
  test('are the same files from the same .proto files', async () => {
    const names = [/^ward-protos-.*\.tar\.gz$/, /^ward-protos-[\d.]+\.tgz$/, /^ward_protos-.*\.whl$/];
    const first = names.map((n) => fs.readFileSync(pack(n)));
    const other = folder('packages');
    await must([path.join(root, 'tools/pack-protos'), other], { env: { ...env, PACK_JAVA: '0' } });
    for (const [i, name] of names.entries()) {
      const again = fs.readdirSync(other).find((f) => name.test(f));
      assert.ok(fs.readFileSync(path.join(other, again)).equals(first[i]), again);
    }
  });

  test('hold every .proto file and nothing else of the repository', async () => {
    const listed = await run(['tar', '-tzf', pack(/^ward-protos-.*\.tar\.gz$/)], { env });
    const got = listed.stdout.split('\n').filter((l) => l.endsWith('.proto')).map((l) => l.replace(/^[^/]+\//, '')).sort();
    const want = await run(['git', 'ls-files', 'proto'], { env, cwd: root });
    assert.deepStrictEqual(got, want.stdout.split('\n').filter((l) => l.endsWith('.proto')).sort());
  });
});
