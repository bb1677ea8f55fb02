'use strict';
// Child processes of a test: started with a clean environment, waited for by a line they print,
// stopped by their own pid. Whatever a test leaves running is killed when the test process ends.

const { spawn } = require('node:child_process');

const running = new Set();
// Under `make sanitize` the sanitizers' options reach every process, and what they report of one
// fails the tests that started it, a leak found at its end included. So does WARD_TRANSPORT.
const sanitizers = Object.fromEntries(Object.entries(process.env).filter(([k]) => /^[A-Z]+SAN_OPTIONS$|^WARD_TRANSPORT$/.test(k)));
const REPORT = /(Address|Leak|Thread)Sanitizer:|: runtime error: /;
const reported = [];
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
  for (const proc of reported) console.error(`a sanitizer's report of ${proc.name}:\n${proc.lines.slice(-40).join('\n')}`);
  if (reported.length > 0) process.exitCode = 1;
});
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1));

class Proc {
  constructor(name, argv, { env = {}, ...more } = {}) {
    this.name = name;
    this.lines = [];
    this.waiting = [];
    this.child = spawn(argv[0], argv.slice(1), { env: { ...sanitizers, ...env }, ...more, stdio: ['ignore', 'pipe', 'pipe'] });
    running.add(this.child);
    this.exit = new Promise((resolve) => {
      this.child.once('error', (err) => this.end(err.message, resolve));
      this.child.once('close', (code, signal) => this.end(signal || code, resolve));
    });
    this.stdout = '';
    this.child.stdout.setEncoding('utf8').on('data', (text) => { this.stdout += text; });
    for (const stream of [this.child.stdout, this.child.stderr]) this.read(stream);
  }

  get pid() { return this.child.pid; }

  // A process that is only running in the background must not keep a finished test alive.
  hold(on) {
    for (const h of [this.child, this.child.stdout, this.child.stderr]) {
      if (on) h.ref();
      else h.unref();
    }
  }

  read(stream) {
    let rest = '';
    stream.setEncoding('utf8').on('data', (text) => {
      const lines = (rest + text).split('\n');
      rest = lines.pop();
      for (const line of lines) this.take(line);
    });
  }

  take(line) {
    this.lines.push(line);
    if (REPORT.test(line) && !reported.includes(this)) reported.push(this);
    this.waiting = this.waiting.filter((w) => !w(line));
  }

  end(status, resolve) {
    this.ended = true;
    this.status = status;
    running.delete(this.child);
    for (const w of this.waiting) w(null);
    this.waiting = [];
    resolve(status);
  }

  // Resolves with the first line, past or to come, that matches; `from` skips lines already seen.
  line(pattern, { from = 0, seconds = 180 } = {}) {
    const seen = this.lines.slice(from).find((l) => pattern.test(l));
    if (seen !== undefined) return Promise.resolve(seen);
    return new Promise((resolve, reject) => {
      const fail = (why) => reject(new Error(
        `${this.name} ${why} without printing ${pattern}; it printed:\n${this.lines.slice(-20).join('\n')}`));
      const timer = setTimeout(() => fail(`ran ${seconds} s`), seconds * 1000);
      this.waiting.push((line) => {
        if (line !== null && !pattern.test(line)) return false;
        clearTimeout(timer);
        if (line === null) return fail(`ended (${this.status})`) || true;
        this.hold(false);
        resolve(line);
        return true;
      });
      if (this.ended) this.waiting.pop()(null);
    });
  }

  signal(name) { if (!this.ended) this.child.kill(name); }

  // SIGTERM, then SIGKILL for one that does not end in what Kubernetes gives it. Resolves with the exit code or signal.
  async stop({ seconds = 30 } = {}) {
    this.hold(true);
    this.signal('SIGTERM');
    const timer = setTimeout(() => this.signal('SIGKILL'), seconds * 1000);
    const status = await this.exit;
    clearTimeout(timer);
    return status;
  }

  async kill() {
    this.hold(true);
    this.signal('SIGKILL');
    return this.exit;
  }
}

// Runs a program to its end: {status, stdout, lines}.
async function run(argv, options = {}) {
  const p = new Proc(argv[0], argv, options);
  const status = await p.exit;
  return { status, stdout: p.stdout, lines: p.lines };
}

// The same, and a failure unless it exits 0.
async function must(argv, options = {}) {
  const r = await run(argv, options);
  if (r.status !== 0) throw new Error(`${argv.join(' ')} ended with ${r.status}:\n${r.lines.join('\n')}`);
  return r.stdout;
}

module.exports = { Proc, run, must };
