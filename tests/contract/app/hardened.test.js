'use strict';
// Every program and plugin is built so that an overflow of memory is hard to turn into control: position-independent, with all addresses
// bound and read-only before main, checked library calls and a stack that nothing executes.

const { test } = require('node:test');
const assert = require('node:assert');
const fs = require('node:fs');
const path = require('node:path');
const { spawnSync } = require('node:child_process');
const { build } = require('../../lib/paths');

const elf = (...args) => spawnSync('readelf', ['-W', ...args], { encoding: 'utf8', maxBuffer: 1 << 28 }).stdout;
const sanitized = (file) => /__asan_init|__ubsan_handle|__tsan_init/.test(elf('--dyn-syms', file));

const programs = fs.readdirSync(path.join(build, 'bin')).map((name) => path.join(build, 'bin', name));
const plugins = fs.readdirSync(path.join(build, 'plugins')).filter((name) => name.endsWith('.so')).map((name) => path.join(build, 'plugins', name));

for (const file of [...programs, ...plugins]) {
  test(`${path.basename(file)} is hardened`, (t) => {
    assert.match(elf('-h', file), /Type: +DYN/, 'position-independent');
    assert.match(elf('-d', file), /BIND_NOW|Flags:.*NOW/, 'addresses bound at the start');
    const segments = elf('-l', file);
    assert.match(segments, /GNU_RELRO/);
    assert.match(segments, /GNU_STACK.* RW +0x/, 'no executable stack');
    if (sanitized(file)) return t.skip('a sanitizer checks its calls');
    if (programs.includes(file)) assert.match(elf('--dyn-syms', file), /__(snprintf|memcpy|read|fprintf)_chk/, 'checked library calls');
    return undefined;
  });
}
