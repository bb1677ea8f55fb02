'use strict';
// A Ward that the test files of one process use one after another (tests/lib/together.js): for files that neither kill nor
// reconfigure a service, and that look only at what they made themselves. It is stopped when the process has nothing left to do.

const { Ward } = require('./ward');

const started = new Map(); // by its services: a promise of each

async function stop() {
  for (const promise of started.values()) await (await promise).stop();
  started.clear();
}

// Its stop() closes the clients made since and leaves it running.
async function sharedWard(services) {
  const name = services.join(' ');
  if (started.size === 0) process.once('beforeExit', stop);
  if (!started.has(name)) started.set(name, Ward.start({ services }));
  const ward = await started.get(name);
  return Object.create(ward, { stop: { value: async () => ward.closeClients() } });
}

module.exports = { sharedWard };
