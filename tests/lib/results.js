'use strict';
// What a drill measured, as build/results/<target>.json has it.

const fs = require('node:fs');
const path = require('node:path');
const { build } = require('./paths');

function results(target, figures) {
  fs.mkdirSync(path.join(build, 'results'), { recursive: true });
  fs.writeFileSync(path.join(build, 'results', `${target}.json`), `${JSON.stringify(figures)}\n`);
}

module.exports = { results };
