'use strict';
// Attacks by a peer with a certificate and by a stranger, one after another on one server: it never restarts, its memory is
// bounded and given back, and a well-behaved client loses no call. `make abuse-test` makes the same attacks larger.

const test = require('node:test');
const assert = require('node:assert');
const { certificates } = require('./echo');
const { ATTACKS, NAMELESS, STRANGERS, Siege } = require('./siege');

const SANITIZED = Object.keys(process.env).some((k) => /^[A-Z]+SAN_OPTIONS$/.test(k)); // memory is another there
const ENDED = ['key-updates', 'renegotiations']; // a budget of TLS messages ends the connection
let siege;
let first;

test.before(async () => {
  siege = await Siege.start(await certificates());
  first = siege.memory();
});
test.after(async () => assert.strictEqual(await siege.stop(), 0));

for (const name of Object.keys(ATTACKS)) {
  const by = [...NAMELESS.includes(name) ? [] : ['stranger'], ...NAMELESS.includes(name) || STRANGERS.includes(name) ? [undefined] : []];
  for (const as of by) {
    test(`${name} by ${as ? 'a peer with a certificate' : 'a stranger'}`, async (t) => {
      const r = await siege.attack(name, { as });
      t.diagnostic(`${r.said} memory ${r.before} ${r.peak} ${r.left}, ${r.calls.length} calls, p99 ${r.p99_ms.toFixed(1)} ms`);
      assert.strictEqual(r.restarts, 0);
      assert.deepStrictEqual(r.failed, []);
      const { opened, ended } = JSON.parse(r.said);
      assert.ok(opened > 0, 'the attack must reach the server, or the test proves nothing');
      if (ENDED.includes(name)) assert.strictEqual(ended, opened);
      if (SANITIZED) return;
      assert.ok(r.peak < 1.75 * first, `${r.peak / first} times the memory`);
      assert.ok(r.left < 1.5 * first, `${r.left / first} times the memory after it`);
    });
  }
}
