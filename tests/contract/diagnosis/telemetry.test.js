'use strict';
// ONNX Runtime has telemetry of its own, on unless it is told otherwise before it starts: an id of the machine, made by a shell, a
// database in the user's home, events sent over the internet.

const { test, after } = require('node:test');
const assert = require('node:assert');
const fs = require('node:fs');
const { Ward } = require('../../lib/ward');
const { folder } = require('../../lib/paths');

let ward;
after(() => ward?.stop());

test('inference_writes_nothing_into_the_user_s_home', async () => {
  const home = folder('home');
  ward = await Ward.start({ services: ['audit', 'records', 'diagnosis'], env: { diagnosis: { HOME: home, XDG_CACHE_HOME: `${home}/cache` } } });
  assert.deepStrictEqual(fs.readdirSync(home), []);
});
