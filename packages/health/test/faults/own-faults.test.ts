import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { createInterface } from 'node:readline';
import { setTimeout as passes } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { bundleWorker } from '../../../../test/support/bundle-worker.js';
import { available } from '../../../../test/support/services.js';
import { dnsStub } from '../../../core/test/net/dns-stub.js';
import type { EndpointDraft } from '../../src/index.js';
import type { Report, Trouble } from '../support/troubled-worker.js';

// Each wait has a limit of its own, for what never comes.
vi.setConfig({ testTimeout: 600_000 });

let worker: Awaited<ReturnType<typeof bundleWorker>>;
beforeAll(async () => {
  worker = await bundleWorker(new URL('../support/troubled-worker.ts', import.meta.url));
});
afterAll(() => worker.remove());

const eager = { checkInterval: 1, timeout: 1, retryCount: 3, expectedResponseTime: 0.5 };

/** Of the monitors of this test. */
const ends: (() => void)[] = [];
/** From here on a server that stands still is slow by what a check allows. */
const sleepMs = 150;

/**
 * Does what asks of a monitor to blame nobody, and does it anew where something else came out while the servers, which are
 * this process's, stood still themselves: of those it is true that they did not answer.
 */
async function whileServersAreAwake(scenario: () => Promise<void>): Promise<void> {
  for (let tries = 1; ; tries++) {
    const delay = monitorEventLoopDelay({ resolution: 10 });
    delay.enable();
    try {
      return await scenario();
    } catch (error) {
      if (tries === 5 || delay.max < sleepMs * 1e6) throw error;
    } finally {
      delay.disable();
      for (const end of ends.splice(0)) end();
    }
  }
}

/** A monitor in a process of its own, which has troubles when it is told to. `before` runs it in another way. */
async function troubled(endpoints: EndpointDraft[], { before = [] as string[], namespace = false } = {}) {
  const [program = '', ...words] = [
    ...(namespace ? ['unshare', '--net', '--mount', '--kill-child'] : []),
    ...before,
    ...[process.execPath, worker.path, JSON.stringify(endpoints), namespace ? 'namespace' : 'here'],
  ];
  const child = spawn(program, words, { stdio: ['pipe', 'pipe', 'inherit'] });
  const end = (): void => void child.kill('SIGKILL');
  ends.push(end);
  onTestFinished(end);
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const heard = async (): Promise<unknown> => JSON.parse(String((await lines.next()).value));
  await heard();
  const tell = (trouble: Trouble): Promise<unknown> => {
    child.stdin.write(`${JSON.stringify(trouble)}\n`);
    return heard();
  };
  const report = async () => (await tell({ do: 'report' })) as Report;
  const until = (holds: (found: Report) => boolean): Promise<void> =>
    expect.poll(async () => holds(await report()), { timeout: 45_000, interval: 100 }).toBe(true);
  return { tell, report, until };
}

const allAre = (status: string) => (found: Report) => found.endpoints.every((it) => it.status === status);
/** What a check says while the machine stands still, which it may at any time. */
const stoodStill = 'This process stood still during the check';
/** What checks found that was not healthy, as `name: status, message`; but for what this machine did of itself. */
const amiss = ({ endpoints }: Report): string[] =>
  endpoints.flatMap(({ name, results }) =>
    results.flatMap(({ status, message }) =>
      status === 'healthy' || (status === 'unknown' && message === stoodStill)
        ? []
        : [`${name}: ${status}, ${message}`],
    ),
  );

/** Servers that are well all the time, outside of the process that is not. */
async function healthyTargets(): Promise<EndpointDraft[]> {
  const server = createServer((_, response) => response.end('well')).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const names = await dnsStub({ 'www.test': { a: ['192.0.2.1'] } });
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
    names.close();
  });
  const { port } = server.address() as AddressInfo;
  const here = { host: '127.0.0.1', ...eager };
  return [
    ...Array.from({ length: 10 }, (_, index) => ({ ...here, name: `tcp ${index}`, port, serviceType: 'tcp' })),
    ...Array.from({ length: 10 }, (_, index) => ({
      ...{ ...here, name: `http ${index}`, port, serviceType: 'http', config: { read: true } },
      conditions: [{ on: 'body', op: 'contains' as const, value: 'well' }],
    })),
    ...Array.from({ length: 5 }, (_, index) => ({
      ...{ ...here, name: `dns ${index}`, port: Number(names.server.split(':')[1]), serviceType: 'dns' },
      config: { name: 'www.test' },
    })),
    { ...eager, name: 'icmp', host: '127.0.0.1', serviceType: 'icmp' },
  ];
}

/** A server outside of the process whose answers the test decides: a trouble that is none of ours. */
async function sickTarget() {
  const is = { status: 200 };
  const server = createServer((_, response) => response.writeHead(is.status).end()).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return { is, draft: { ...eager, name: 'sick', host: '127.0.0.1', port, serviceType: 'http' } };
}

/** What there is of the others. */
function healthyOf({ endpoints, changes, ...found }: Report): Report {
  return {
    ...found,
    endpoints: endpoints.filter(({ name }) => name !== 'sick'),
    changes: changes.filter((it) => !it.startsWith('sick:')),
  };
}
/** What was told of the sick one, in its order. */
const toldOfSick = ({ told }: Report): string[] => told.filter((it) => it.endsWith(' sick'));
const isTold =
  (news: string) =>
  ({ told }: Report) =>
    told.includes(news);

describe('a process that stands still', () => {
  it.each([
    ['for three seconds, three times', 3_000, 3],
    ['for less than a second, again and again', 900, 8],
  ])('%s, blames nobody else for it, and tells of whom it is the fault', (_, ms, times) =>
    whileServersAreAwake(async () => {
      const { is, draft } = await sickTarget();
      const { tell, report, until } = await troubled([...(await healthyTargets()), draft]);
      await until(allAre('healthy'));
      is.status = 503;
      for (let turn = 0; turn < times; turn++) {
        await tell({ do: 'block', ms });
        await passes(turn * 130);
      }
      await passes(1_000);
      await until((all) => allAre('healthy')(healthyOf(all)));
      const found = healthyOf(await report());
      expect(amiss(found)).toEqual([]);
      expect(new Set(found.changes)).toEqual(new Set(found.endpoints.map(({ name }) => `${name}: unknown > healthy`)));
      expect(found.changes).toHaveLength(found.endpoints.length);
      await until(isTold('opened sick'));
      is.status = 200;
      // Whatever is due meanwhile.
      await tell({ do: 'block', ms });
      await until(isTold('resolved sick'));
      expect(toldOfSick(await report())).toEqual(['opened sick', 'resolved sick']);
    }),
  );
});

describe('a process that has no descriptors left', () => {
  it('knows nothing of anybody, blames nobody, and tells what there was to tell when it has some', () =>
    whileServersAreAwake(async () => {
      const before = ['/bin/sh', '-c', 'ulimit -n 512; exec "$0" "$@"'];
      const { is, draft } = await sickTarget();
      const { tell, report, until } = await troubled([...(await healthyTargets()), draft], { before });
      await until(allAre('healthy'));
      // It is on its way to be told when there are none left.
      is.status = 503;
      await until(({ endpoints }) => endpoints.some(({ name, status }) => name === 'sick' && status === 'critical'));
      // Again and again: checks that were under way give theirs back.
      await expect
        .poll(async () => (await tell({ do: 'exhaust' }), allAre('unknown')(healthyOf(await report()))), {
          timeout: 45_000,
          interval: 100,
        })
        .toBe(true);
      await tell({ do: 'release' });
      await until((all) => allAre('healthy')(healthyOf(all)));
      const found = healthyOf(await report());
      const said = new Set(amiss(found).map((it) => it.slice(it.indexOf(':') + 2)));
      expect([...said].filter((it) => !it.startsWith('unknown, '))).toEqual([]);
      expect(said).toContain('unknown, We ran out of sockets');
      await until(isTold('opened sick'));
      is.status = 200;
      await until(isTold('resolved sick'));
      expect(toldOfSick(await report())).toEqual(['opened sick', 'resolved sick']);
    }));
});

describe.skipIf(!available.namespaces)('a process in a network of its own (needs namespaces)', () => {
  const named = (count: number): EndpointDraft[] =>
    Array.from({ length: count }, (_, index) => ({
      ...{ ...eager, name: `name ${index}`, host: `name-${index}.test`, port: 4_000, serviceType: 'tcp' },
    }));
  const addressed = (count: number): EndpointDraft[] =>
    Array.from({ length: count }, (_, index) => ({
      ...{ ...eager, name: `address ${index}`, host: `127.1.1.${index + 1}`, port: 4_000, serviceType: 'tcp' },
    }));
  const of = ({ endpoints }: Report, kind: string) => endpoints.filter(({ name }) => name.startsWith(kind));

  it.each(['silent', 'closed', 'SERVFAIL', 'REFUSED'] as const)(
    'whose resolver is %s for a while knows nothing of names, and all of addresses',
    async (mood) => {
      const { tell, report, until } = await troubled([...named(5), ...addressed(5)], { namespace: true });
      await until(allAre('healthy'));
      await tell({ do: 'names', mood });
      await until((found) => of(found, 'name').every(({ status }) => status === 'unknown'));
      await tell({ do: 'names', mood: 'answer' });
      await until(allAre('healthy'));
      const found = await report();
      expect(new Set(amiss(found).map((it) => it.replace(/ \d/, '')))).toEqual(
        new Set(['name: unknown, Our name resolution failed']),
      );
      expect(found.incidents).toBe(0);
    },
  );

  it('keeps the cadence of the healthy when a fifth is swallowed and other names are dead', async () => {
    const swallowed = Array.from({ length: 12 }, (_, index) => ({
      ...{
        ...eager,
        timeout: 2,
        name: `swallowed ${index}`,
        host: `127.2.0.${index}`,
        port: 4_000,
        serviceType: 'tcp',
      },
    }));
    const all = [...addressed(48), ...swallowed, ...named(5)];
    const { tell, report, until } = await troubled(all, { namespace: true });
    await tell({ do: 'names', mood: 'silent' });
    await until(
      (found) =>
        of(found, 'address').every(({ results }) => results.length > 10) &&
        of(found, 'swallowed').every(({ status }) => status === 'offline') &&
        swallowed.every(({ name }) => found.told.includes(`opened ${name}`)),
    );
    const found = await report();
    // Once a second each, while one of the swallowed, with its two seconds of waiting, comes to a check in three: by whatever
    // the machine takes for all of them, since the last was registered.
    const since = Math.max(...of(found, 'address').map(({ results: [first] }) => first?.at ?? Infinity));
    const checks = (kind: string) =>
      of(found, kind).map(({ results }) => results.filter(({ at }) => at >= since).length);
    const [fewest, most] = [Math.min(...checks('address')), Math.max(...checks('address'))];
    expect(most - fewest).toBeLessThanOrEqual(3);
    expect(Math.max(...checks('swallowed'))).toBeLessThanOrEqual(fewest / 2);
    expect(amiss(found).filter((it) => it.startsWith('address'))).toEqual([]);
    expect(amiss(found).filter((it) => it.startsWith('name') && !it.includes('unknown, Our name resolution'))).toEqual(
      [],
    );
    expect(found.incidents).toBe(swallowed.length);
    expect(found.told).toHaveLength(swallowed.length);
  });
});
