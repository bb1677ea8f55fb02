'use strict';

// Asks again until it is so; what `ask` gave then. Nothing is waited for without an end.
async function until(what, ask, { seconds = 180 } = {}) {
  const end = Date.now() + seconds * 1000;
  for (;;) {
    const answer = await ask();
    if (answer) return answer;
    if (Date.now() > end) throw new Error(`not ${what} after ${seconds} s`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

module.exports = { until };
