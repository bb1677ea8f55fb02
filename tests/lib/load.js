'use strict';
// Callers who register people in identity, each call with an idempotency key, and who repeat a call that failed by no fault of theirs, as
// docs/errors.md asks of callers. What was acknowledged, what was repeated and what failed in spite of it is kept.

const { sleep } = require('./chance');

const AGAIN = ['UNAVAILABLE', 'ABORTED', 'DEADLINE_EXCEEDED', 'RESOURCE_EXHAUSTED'];
const PATIENCE_MS = 60000; // a caller gives up then

class Load {
  // clients: of identity; caller n uses clients[n % clients.length].
  constructor(ward, clients, { workers = 4, pause_ms = 0 } = {}) {
    Object.assign(this, { ward, clients, workers, pause_ms, acts: [], failed: [], repeated: 0, keys: 0, run: new Date().toISOString() });
  }

  start() {
    this.going = true;
    const token = this.ward.token({ roles: ['registrar'], sub: 'registrar-1', purpose: 'PATADMIN' });
    this.ended = Promise.all(Array.from({ length: this.workers }, (_, n) => this.work(this.clients[n % this.clients.length], token)));
  }

  again() { this.start(); }

  // Resolves once each caller has ended its last call.
  async stop() {
    this.going = false;
    await this.ended;
  }

  // Ends it whatever it does: of a test that failed.
  quit() {
    this.going = false;
    this.quitting = true;
  }

  async work(client, token) {
    while (this.going) {
      await this.act(client, { token, deadline: 10000 });
      if (this.pause_ms > 0) await sleep(this.pause_ms);
    }
  }

  async act(client, what) {
    const request = { idempotency_key: `${this.run}-${this.keys++}`, kind: 'SUBJECT_KIND_PATIENT' };
    const from = Date.now();
    for (let wait = 50; ; wait = Math.min(2 * wait, 1000)) {
      try {
        const { subject_id: id } = await client.call('RegisterSubject', request, what);
        this.acts.push({ id, from, to: Date.now() });
        return;
      } catch (err) {
        if (this.quitting || !AGAIN.includes(err.code) || Date.now() - from > PATIENCE_MS) {
          this.failed.push(`${err.message} ${err.reason || ''}`);
          return;
        }
        this.repeated++;
        await sleep(wait);
      }
    }
  }
}

module.exports = { Load };
