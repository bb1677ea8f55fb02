'use strict';
// A DNS server of a test's own (dnsmasq), as a cluster's: one name that leads to the addresses of the replicas that are ready. Clients ask
// it through the target `dns://127.0.0.1:PORT/NAME:PORT`.

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { Resolver } = require('node:dns').promises;
const { Proc } = require('./proc');
const { ports } = require('./ports');
const { until } = require('./until');

const DNSMASQ = '/usr/sbin/dnsmasq';

class Dns {
  static async start(dir, name, addresses) {
    const dns = new Dns();
    [dns.port] = await ports(1);
    dns.name = name;
    dns.file = path.join(dir, 'hosts');
    fs.writeFileSync(dns.file, '');
    dns.proc = new Proc('dnsmasq', [DNSMASQ, '--keep-in-foreground', '--conf-file=/dev/null', '--no-resolv', '--no-hosts', `--addn-hosts=${dns.file}`, '--local-ttl=1',
      '--listen-address=127.0.0.1', '--bind-interfaces', `--port=${dns.port}`, '--pid-file=', `--user=${os.userInfo().username}`, '--log-facility=-'],
    { env: { PATH: process.env.PATH } });
    await dns.proc.line(/started/); // SIGHUP would end it before
    await dns.set(addresses);
    return dns;
  }

  // Resolves once the name leads to these addresses and no others.
  async set(addresses) {
    fs.writeFileSync(this.file, addresses.map((a) => `${a} ${this.name}\n`).join(''));
    const resolver = new Resolver({ timeout: 1000, tries: 1 });
    resolver.setServers([`127.0.0.1:${this.port}`]);
    await until(`${this.name} is ${addresses}`, async () => {
      if (this.proc.ended) throw new Error(`dnsmasq ended:\n${this.proc.lines.join('\n')}`);
      this.proc.signal('SIGHUP'); // it reads the file again
      const found = await resolver.resolve4(this.name).catch(() => []);
      return found.sort().join() === [...addresses].sort().join();
    });
  }

  stop() { return this.proc.kill(); }
}

module.exports = { Dns, DNSMASQ };
