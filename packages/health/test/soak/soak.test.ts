import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer as createTlsServer } from 'node:tls';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bundleWorker } from '../../../../test/support/bundle-worker.js';
import { isLong } from '../../../../test/support/length.js';
import { makeCertificates } from '../../../core/test/net/certificates.js';
import { dnsStub } from '../../../core/test/net/dns-stub.js';
import { closedPort } from '../../../../test/support/ports.js';
import { listen } from '../../../core/test/net/listeners.js';
import type { SoakLook, SoakReport, SoakTargets } from '../support/soaking-worker.js';

/** How many checks; a million by `npm run test:long`. */
const checks = isLong ? 1_000_000 : 8_000;
const looks = isLong ? 200 : 16;

const ends: (() => unknown)[] = [];
afterAll(async () => {
  for (const end of ends.reverse()) await end();
});

/** Servers that are well, ill, by turns, silent and gone. */
async function targets(): Promise<SoakTargets> {
  const certificates = makeCertificates();
  let asked = 0;
  const web = createHttpServer((request, response) => {
    if (request.url === '/breaks-off') {
      response.writeHead(200, { 'content-length': '1000' }).write('well, and then');
      return void setImmediate(() => response.destroy());
    }
    const isIll = request.url === '/comes-and-goes' && (asked++ >> 5) % 2 === 1;
    response.writeHead(isIll ? 500 : 200).end('well');
  });
  const [served, secured, silent, names] = await Promise.all([
    listen(web),
    listen(createTlsServer(certificates.good)),
    listen(createServer()),
    dnsStub({ 'www.test': { a: ['192.0.2.1'] } }),
  ]);
  ends.push(
    served.close,
    secured.close,
    silent.close,
    () => names.close(),
    () => web.closeAllConnections(),
  );
  const dns = Number(names.server.split(':')[1]);
  const [closed, { ca }] = [await closedPort(), certificates];
  return { web: served.port, tls: secured.port, silent: silent.port, ca, dns, closed };
}

let report: SoakReport;
beforeAll(
  async () => {
    const worker = await bundleWorker(new URL('../support/soaking-worker.ts', import.meta.url));
    const folder = mkdtempSync(join(tmpdir(), 'dotmac-soak-'));
    ends.push(() => rmSync(folder, { recursive: true, force: true }), worker.remove);
    const words = [JSON.stringify(await targets()), checks, checks / looks].map(String);
    const { stdout } = await promisify(execFile)(process.execPath, ['--expose-gc', worker.path, folder, ...words]);
    report = JSON.parse(stdout) as SoakReport;
  },
  isLong ? 7_200_000 : 900_000,
);

const least = (of: keyof SoakLook, from: number, until: number): number => {
  const { length } = report.looks;
  return Math.min(...report.looks.slice(from * length, until * length).map((look) => look[of]));
};

// Each look is taken while nothing is checked; by the least of several, for what leaks stays.
describe(`a monitor that has made ${checks} checks while endpoints came, rested and went`, () => {
  it('has found out all that there is to be found out', () => {
    expect(report.looks).toHaveLength(looks);
    expect(report.churned).toBeGreaterThan(100);
    for (const kind of ['tcp healthy', 'tcp offline', 'http healthy', 'http critical', 'dns healthy'])
      expect(report.results[kind], kind).toBeGreaterThan(checks / 100);
    for (const kind of ['tls healthy', 'tls critical', 'smtp offline'])
      expect(report.results[kind], kind).toBeGreaterThan(checks / 200);
  });

  it('holds no more memory than before', () => {
    // The first half is for what is made once or fills up: compiled code, statements, rings, remembered events. Of a leak, half a
    // kilobyte for each check between the two quarters would be seen, and four bytes when it is a million checks.
    const grown = least('heap', 0.75, 1) - least('heap', 0.5, 0.75);
    expect(grown).toBeLessThan(900_000);
  });

  it('holds no more descriptors than before', () => {
    expect(least('descriptors', 0.7, 1)).toBeLessThanOrEqual(least('descriptors', 0.4, 0.7));
  });

  it('holds no more timers than before', () => {
    // What looks again and again by the second has one at times.
    expect(least('timers', 0.7, 1)).toBeLessThanOrEqual(least('timers', 0.4, 0.7) + 3);
  });

  it('leaves neither timers nor sockets when it stops', () => {
    expect(report.afterStop.timers).toBe(0);
    expect(report.afterStop.descriptors).toBeLessThanOrEqual(least('descriptors', 0, 1));
  });
});
