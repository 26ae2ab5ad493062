import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { bundleWorker } from '../../../../test/support/bundle-worker.js';
import { available } from '../../../../test/support/services.js';
import {
  edgeAddresses,
  edgeSpellings,
  forbiddenAddresses,
  forbiddenHosts,
  forbiddenLocations,
  forbiddenNames,
  publicIpv4,
} from './corpus.js';
import type { Packets } from './packets.js';
import { protocols, type EgressReport, type Protocol, type Run } from './report.js';

const forbidden = Object.values(forbiddenAddresses).flat();
/** What the first packet of a protocol is. */
const firsts: Partial<Record<Protocol, keyof Packets[string]>> = {
  dns: 'udp',
  snmp: 'udp',
  radius: 'udp',
  icmp: 'echo',
};
const firstOf = (protocol: Protocol) => firsts[protocol] ?? 'tcp';
const missedBy = (packets: Packets, kind: keyof Packets[string] = 'tcp'): string[] =>
  edgeAddresses.filter((address) => (packets[address]?.[kind] ?? 0) === 0);

/** That nothing left, and that nothing ended otherwise than by a refusal of ours. */
function expectNothing({ packets, passed }: Run): void {
  expect({ packets, passed }).toEqual({ packets: {}, passed: [] });
}

/** Runs the worker in namespaces of its own, and reads what it found out. */
async function runCorpus(): Promise<EgressReport> {
  const worker = await bundleWorker(new URL('worker.ts', import.meta.url));
  const folder = mkdtempSync(join(tmpdir(), 'dotmac-egress-'));
  try {
    const words = ['--net', '--mount', '--kill-child', process.execPath, worker.path, folder];
    const child = spawn('unshare', words, { stdio: 'inherit' });
    const [code] = (await once(child, 'exit')) as [number | null];
    if (code !== 0) throw new Error(`The worker ended with ${code}`);
    return JSON.parse(readFileSync(join(folder, 'report.json'), 'utf8')) as EgressReport;
  } finally {
    worker.remove();
    rmSync(folder, { recursive: true, force: true });
  }
}

// Not error texts but the kernel's counters say what left: in a network of its own, where every address has a route.
describe.skipIf(!available.namespaces)('what tenants can make us connect to', () => {
  let report: EgressReport;
  beforeAll(async () => {
    report = await runCorpus();
  }, 180_000);

  it('is tried in more than three hundred ways', () => {
    const cases = forbiddenHosts.length + Object.keys(forbiddenNames).length + forbiddenLocations.length;
    expect(forbiddenHosts.length).toBeGreaterThan(250);
    expect(cases).toBeGreaterThan(300);
    for (const protocol of protocols) expect(report.hosts[protocol].cases).toBe(forbiddenHosts.length);
  });

  it('would be counted, had nothing guarded it', () => {
    const uncounted = forbidden.filter((address) => {
      const { tcp = 0, udp = 0 } = report.unguarded[address] ?? {};
      return tcp + udp === 0;
    });
    // The kernel takes these for this machine itself.
    expect(uncounted).toEqual(['0.0.0.0', '::']);
    for (const own of ['127.0.0.1', '::1'])
      expect(report.unguarded[own]).toMatchObject({ tcp: 2, udp: 2, echo: expect.anything() as number });
    expect([report.unguarded['10.0.0.1']?.echo, report.unguarded['::1']?.echo]).toEqual([1, 1]);
    const syns = forbidden.filter((address) => (report.unguarded[address]?.tcp ?? 0) > 0);
    expect(syns.length).toBeGreaterThan(70);
  });

  describe.each(protocols)('by %s', (protocol) => {
    it('is no forbidden host, however it is written', () => {
      expectNothing(report.hosts[protocol]);
    });

    it('is no name with a forbidden address among its answers', () => {
      expectNothing(report.names[protocol]);
    });

    it('is no name that was public a moment ago', () => {
      const { first, then } = report.rebinding[protocol];
      expect(Object.keys(first)).toEqual([publicIpv4]);
      expect(first[publicIpv4]?.[firstOf(protocol)]).toBeGreaterThanOrEqual(5);
      expectNothing(then);
    });

    it('is every public address beside a forbidden range, written as it is or behind a name', () => {
      const kind = firstOf(protocol);
      expect([missedBy(report.edges[protocol], kind), missedBy(report.edgesByName[protocol], kind)]).toEqual([[], []]);
    });
  });

  it('is nothing forbidden that a public server redirects to', () => {
    const { http, webhook } = report.redirects;
    expect(http.cases).toBeGreaterThan(2_000);
    expectNothing(http);
    expectNothing(webhook);
  });

  it('is every public address that a public server redirects to', () => {
    expect(missedBy(report.edgesByRedirect)).toEqual([]);
  });

  it('is what a spelling of a public address stands for, and nothing else', () => {
    const led = Object.entries(report.spellings).map(([host, packets]) => [host, Object.keys(packets)]);
    expect(Object.fromEntries(led)).toEqual(
      Object.fromEntries(Object.entries(edgeSpellings).map(([host, address]) => [host, [address]])),
    );
  });

  it('does not follow a name that changes with every question', () => {
    const { packets, passed } = report.races;
    expect([Object.keys(packets), passed]).toEqual([[publicIpv4], []]);
  });

  it('is no more through the module as a host mounts it', () => {
    expectNothing(report.mounted);
  });

  it('is nothing that the name of a container leads to', () => {
    expect(report.containers.cases).toBeGreaterThan(600);
    expectNothing(report.containers);
  });
});
