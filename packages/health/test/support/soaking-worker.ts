// A process of its own that monitors real servers for as many checks as it is told, while endpoints come, rest and go,
// and alerts are delivered; it says again and again what lives in it. Arguments: a folder, the ports and a certificate as
// JSON, how many checks, and how many for each look.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as passes } from 'node:timers/promises';
import type { Clock } from '@dotmac/core';
import { sqlite } from '@dotmac/core/kysely';
import { Registry } from 'prom-client';
import { sleepOn } from '../../../core/src/clock.js';
import { createHealth, kyselyHealthStore, type EndpointDraft } from '../../src/index.js';
import { fastClock } from './fast-clock.js';

/** Where the servers are. */
export interface SoakTargets {
  web: number;
  tls: number;
  ca: string;
  dns: number;
  /** Nobody listens there. */
  closed: number;
  /** Takes connections, and says nothing. */
  silent: number;
}

/** What lived in the process at one moment, after garbage was collected. */
export interface SoakLook {
  checks: number;
  /** Bytes. */
  heap: number;
  descriptors: number;
  timers: number;
}

/** What came of it. */
export interface SoakReport {
  looks: SoakLook[];
  /** Results by probe and status. */
  results: Record<string, number>;
  /** How many endpoints were registered, paused, resumed and removed meanwhile. */
  churned: number;
  afterStop: Pick<SoakLook, 'descriptors' | 'timers'>;
}

const [folder = '', given = '{}', most = '0', each = '0'] = process.argv.slice(2);
const at = JSON.parse(given) as SoakTargets;
const { gc } = globalThis as unknown as { gc: () => void };

/** Eight times as fast, which leaves the process some rest, and it knows of its timers. */
const fast = fastClock(Date.now(), 8);
let timers = 0;
const after: Clock['after'] = (delayMs, fire) => {
  timers++;
  let isLive = true;
  const end = (): void => {
    if (isLive) timers--;
    isLive = false;
  };
  const cancel = fast.after(delayMs, () => {
    end();
    fire();
  });
  return () => {
    end();
    cancel();
  };
};
const clock: Clock = { ...fast, after, sleep: (delayMs, signal) => sleepOn({ after }, delayMs, signal) };

const registry = new Registry();
const database = sqlite(join(folder, 'soak.db'));
const health = createHealth({
  ...{ store: kyselyHealthStore(database, { clock }), clock, secret: 'a secret of more than 32 characters, for tests' },
  ...{ egress: { allow: ['loopback'] }, checkIntervals: { min: 1 }, keptResults: { recent: 40, issues: 20 } },
  // So fast, a lease would be over in no time on a busy machine.
  leaseTtlMs: 3_600_000,
  ...{ concurrency: { total: 60, perTenant: 60, perHost: 60 }, metrics: registry },
});
await health.start();
const scope = health.scope({ tenantId: 'acme', actor: 'soak' });
const { endpoints, history, incidents, channels, alerts, stream } = scope;
const hook = await channels.create({
  ...{ name: 'hook', kind: 'webhook', groupWait: 0, config: { url: `http://127.0.0.1:${at.web}/hook` } },
  secrets: { key: `whsec_${Buffer.from('a signing key of 32 bytes, or so').toString('base64')}` },
});
await alerts.create({ name: 'all', channelIds: [hook.id], severities: ['critical', 'offline'] });

const here = { host: '127.0.0.1', checkInterval: 1, timeout: 1, retryCount: 1 };
const kinds: ((name: string) => EndpointDraft)[] = [
  (name) => ({ ...here, name, port: at.web, serviceType: 'tcp' }),
  (name) => ({ ...here, name, port: at.web, serviceType: 'http', config: { path: '/well' } }),
  (name) => ({
    ...{ ...here, name, port: at.web, serviceType: 'http', config: { path: '/well', read: true } },
    conditions: [{ on: 'body', op: 'contains', value: 'well' }],
  }),
  (name) => ({ ...here, name, port: at.web, serviceType: 'http', config: { path: '/comes-and-goes' } }),
  (name) => ({ ...here, name, port: at.web, serviceType: 'http', config: { path: '/breaks-off', read: true } }),
  (name) => ({ ...here, name, port: at.tls, serviceType: 'tls', config: { ca: at.ca, servername: 'localhost' } }),
  (name) => ({ ...here, name, port: at.tls, serviceType: 'tls' }),
  (name) => ({ ...here, name, port: at.dns, serviceType: 'dns', config: { name: 'www.test' } }),
  (name) => ({ ...here, name, port: at.closed, serviceType: 'tcp' }),
  (name) => ({ ...here, name, port: at.silent, serviceType: 'smtp' }),
];
let [registered, churned] = [0, 0];
const ids: string[] = [];
const register = async (): Promise<void> => {
  const make = kinds[registered % kinds.length] as (typeof kinds)[number];
  ids.push((await endpoints.register(make(`number ${++registered}`))).id);
};
for (let count = 0; count < 6 * kinds.length; count++) await register();

/** One of each goes, one comes, one rests, one is asked about, and somebody follows for a while. */
async function churn(): Promise<void> {
  for (let count = 0; count < kinds.length; count++) {
    await endpoints.remove(ids.shift() ?? '');
    await register();
  }
  const [resting = '', asked = ''] = ids;
  await endpoints.pause(resting);
  const leaving = new AbortController();
  const following = (async () => {
    for await (const _ of stream.follow({ signal: leaving.signal })) if (leaving.signal.aborted) break;
  })();
  await Promise.all([scope.explain(asked), history.results(asked), incidents.list()]);
  await endpoints.resume(resting);
  leaving.abort();
  await following.catch(() => undefined);
  churned += 2 * kinds.length + 2;
}

/** Results by probe and status, as metrics tell them. */
async function found(): Promise<Record<string, number>> {
  const metric = registry.getSingleMetric('dotmac_health_checks_total');
  const { values = [] } = (await metric?.get()) ?? {};
  return Object.fromEntries(values.map(({ labels, value }) => [`${labels.service_type} ${labels.status}`, value]));
}
const sum = (counts: Record<string, number>): number => Object.values(counts).reduce((all, count) => all + count, 0);

/** What lives now; the least of several moments, for a message may be on its way. */
async function living(): Promise<SoakLook> {
  const seen: SoakLook[] = [];
  for (let turn = 0; turn < 8; turn++) {
    await passes(15);
    gc();
    const [heap, descriptors] = [process.memoryUsage().heapUsed, readdirSync('/proc/self/fd').length];
    seen.push({ checks: sum(await found()), heap, descriptors, timers });
  }
  const least = (of: keyof SoakLook): number => Math.min(...seen.map((it) => it[of]));
  return { checks: least('checks'), heap: least('heap'), descriptors: least('descriptors'), timers: least('timers') };
}

/** What lives while nothing is checked. */
async function look(): Promise<SoakLook> {
  await Promise.all(ids.map((id) => endpoints.pause(id)));
  const running = registry.getSingleMetric('dotmac_health_checks_running');
  while ((await running?.get())?.values[0]?.value !== 0) await passes(10);
  const seen = await living();
  await Promise.all(ids.map((id) => endpoints.resume(id)));
  return seen;
}

const looks: SoakLook[] = [];
for (let next = 0; next < Number(most); next += Number(each)) {
  // Once at least: on a slow disk as many checks are made during a look as there are between two.
  do {
    await churn();
    await passes(100);
  } while (sum(await found()) < next);
  looks.push(await look());
}
const results = await found();
await health.stop();
await database.close();
const { descriptors, timers: left } = await living();
console.log(JSON.stringify({ looks, results, churned, afterStop: { descriptors, timers: left } } satisfies SoakReport));
