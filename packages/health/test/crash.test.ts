import { sqlite } from '@dotmac/core/kysely';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { bundleWorker } from '../../../test/support/bundle-worker.js';
import { createHealth, kyselyHealthStore, type EndpointStatus } from '../src/index.js';
import { storedResults } from './support/results.js';

const acme = { tenantId: 'acme', actor: 'user:1' };

let worker: Awaited<ReturnType<typeof bundleWorker>>;
beforeAll(async () => {
  worker = await bundleWorker(new URL('support/crash-worker.ts', import.meta.url));
});
afterAll(() => worker.remove());

/** Starts a monitor in a process of its own; it tells of a change by `id status`. */
async function monitor(url: string, told: Set<string>): Promise<ChildProcess> {
  const child = spawn(process.execPath, [worker.path, url], { stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  const lines = createInterface(child.stdout);
  lines.on('line', (line) => told.add(line));
  await once(lines, 'line');
  return child;
}

describe('a monitor that is killed', () => {
  it('has told of every change of status, and left a history that agrees with itself', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'dotmac-health-'));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    const path = join(folder, 'health.db');
    const server = createServer((socket) => socket.on('error', () => undefined).resume()).listen(0, '127.0.0.1');
    onTestFinished(() => void server.close());
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const database = sqlite(path);
    onTestFinished(() => database.close());
    const store = kyselyHealthStore(database);
    const options = { store, egress: { allow: ['loopback'] }, checkIntervals: { min: 1 } };
    const setup = createHealth({ ...options, monitoring: false });
    await setup.start();
    const { endpoints } = setup.scope(acme);
    const draft = { name: 'gateway', host: '127.0.0.1', port, serviceType: 'tcp', checkInterval: 1, retryCount: 2 };
    const ids = await Promise.all(Array.from({ length: 20 }, async () => (await endpoints.register(draft)).id));
    await setup.stop();
    const statuses = async () =>
      new Set(await Promise.all(ids.map(async (id) => (await store.tenant('acme').get(id))?.state?.status)));

    const told = new Set<string>();
    const child = await monitor(`sqlite:${path}`, told);
    await expect.poll(statuses, { timeout: 60_000, interval: 50 }).toEqual(new Set(['healthy']));
    server.close();
    await expect.poll(statuses, { timeout: 60_000, interval: 50 }).toEqual(new Set(['offline']));
    child.kill('SIGKILL');
    await once(child, 'close');

    for (const id of ids) {
      // Of two days, when midnight came between.
      const days = await store.tenant('acme').buckets(id, { resolution: 'day', from: 0, until: Date.now() });
      const summed = (status: EndpointStatus) => days.reduce((sum, { counts }) => sum + counts[status], 0);
      const ring = await storedResults(store, id);
      const count = (status: EndpointStatus) => ring.filter((it) => it.status === status).length;
      expect([summed('healthy'), summed('offline')]).toEqual([count('healthy'), count('offline')]);
      expect(count('offline')).toBeGreaterThanOrEqual(2);
    }
    // Whoever starts next shows what was known, and delivers what was not delivered.
    const next = createHealth({ ...options, monitoring: false });
    next.events.on('endpoint.status_changed', ({ subject, data }) => void told.add(`${subject} ${data.to}`));
    await next.start();
    expect(next.scope(acme).status().offlineCount).toBe(20);
    const changes = ids.flatMap((id) => [`${id} healthy`, `${id} offline`]);
    // What it was just about to tell is its own for a minute.
    await expect.poll(() => changes.filter((it) => !told.has(it)), { timeout: 120_000, interval: 50 }).toEqual([]);
    await next.stop();
  }, 240_000);
});
