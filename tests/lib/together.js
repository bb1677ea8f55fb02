'use strict';
// Runs the test files given in one process, one after another, each as a suite of its own name:
//   node --test-reporter=tap tests/lib/together.js FILE...

const path = require('node:path');
const { describe } = require('node:test');

for (const file of process.argv.slice(2)) describe(file, () => require(path.resolve(file)));
