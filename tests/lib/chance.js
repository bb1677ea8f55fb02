'use strict';
// Moments for kill tests: xorshift32, the same again for the same seed, as far as a loaded machine allows.

const crypto = require('node:crypto');

function chance(seed) {
  let state = (seed >>> 0) || 1;
  return () => {
    state ^= state << 13; state >>>= 0; state ^= state >>> 17; state ^= state << 5; state >>>= 0;
    return state / 2 ** 32;
  };
}
// How many rounds of a kill -9 or a race: ROUNDS=n; else 3, or all of them where SOAK is set (make soak).
const rounds = (all) => Number(process.env.ROUNDS || (process.env.SOAK ? all : Math.min(all, 3)));
// SEED=n repeats a run.
const newSeed = () => Number(process.env.SEED || crypto.randomInt(1e9));
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

module.exports = { chance, rounds, newSeed, sleep };
