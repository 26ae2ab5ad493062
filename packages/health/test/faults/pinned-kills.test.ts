import { databaseFromUrl } from '@dotmac/core/kysely';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { bundleWorker } from '../../../../test/support/bundle-worker.js';
import { createHealth, kyselyHealthStore } from '../../src/index.js';
import { databases } from '../support/databases.js';
import type { PointOfDeath } from '../support/dying-worker.js';
import { fastClock } from '../support/fast-clock.js';

const key = `whsec_${Buffer.alloc(24, 1).toString('base64')}`;
/** A minute's lease of a process that was killed is over in three seconds. */
const speed = 20;
const patience = { timeout: 45_000, interval: 50 };
/** The last: when the receiver has read the message, and not answered. */
const points = ['settled', 'routed', 'put', 'received'] as const satisfies readonly (PointOfDeath | 'received')[];

let worker: Awaited<ReturnType<typeof bundleWorker>>;
beforeAll(async () => {
  worker = await bundleWorker(new URL('../support/dying-worker.ts', import.meta.url));
});
afterAll(() => worker.remove());

interface Told {
  /** Its idempotency key. */
  id: string;
  text: string;
  items: { kind: string; endpoint_name: string }[];
}

/** What is monitored, at `/`, and what is told, at the paths of channels: the first message to `/received` is not answered. */
async function world() {
  const told: Told[] = [];
  const is = { status: 503, onReceived: undefined as (() => void) | undefined };
  const server = createServer((request, response) => {
    if (request.url === '/') return void response.writeHead(is.status).end();
    let text = '';
    request.setEncoding('utf8').on('data', (part: string) => (text += part));
    request.on('end', () => {
      told.push({ ...(JSON.parse(text) as Told), id: String(request.headers['webhook-id']), text });
      const { onReceived } = is;
      if (request.url !== '/received' || !onReceived) return void response.writeHead(204).end();
      is.onReceived = undefined;
      onReceived();
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return { told, is, port, url: `http://127.0.0.1:${port}` };
}

describe.each(databases)(
  'a monitor that is killed between a transition and its delivery, on %s',
  (_, isHere, fresh) => {
    it.skipIf(!isHere)(
      'has its alerts told by the next: none is lost, and none has two idempotency keys',
      async () => {
        const { url, drop } = await fresh();
        onTestFinished(drop);
        const epoch = Date.now();
        const clock = fastClock(epoch, speed);
        const database = databaseFromUrl(url);
        onTestFinished(() => database.close());
        const store = kyselyHealthStore(database, { clock });
        const { told, is, port, url: hook } = await world();
        /** An endpoint that fails, and a channel of its own that is told of it: none of its messages waits for others. */
        const setUp = async (name: string): Promise<[endpointId: string, channelId: string]> => {
          const health = createHealth({
            ...{ store, clock, egress: { allow: ['loopback'] }, monitoring: false },
            secret: 'a secret of thirty-two characters',
          });
          await health.start();
          const { endpoints, channels, alerts } = health.scope({ tenantId: 'acme', actor: 'user:1' });
          const channel = await channels.create({
            ...{ name, kind: 'webhook', config: { url: `${hook}/${name}` }, secrets: { key }, groupWait: 0 },
          });
          await alerts.create({ name, channelIds: [channel.id], tags: [name] });
          const endpoint = await endpoints.register({
            ...{ name, host: '127.0.0.1', port, serviceType: 'http', tags: [name] },
            ...{ checkInterval: 5, timeout: 30, expectedResponseTime: 30, retryCount: 1 },
          });
          // Else it would do a part of the work.
          await health.stop();
          return [endpoint.id, channel.id];
        };
        const start = (...words: string[]): ChildProcess => {
          const all = [worker.path, url, String(epoch), String(speed), ...words];
          const child = spawn(process.execPath, all, { stdio: ['ignore', 'ignore', 'inherit'] });
          onTestFinished(() => void child.kill('SIGKILL'));
          return child;
        };

        for (const point of points) {
          const child = start(point, ...(await setUp(point)));
          is.onReceived = () => void child.kill('SIGKILL');
          const [, signal] = (await once(child, 'exit')) as [number | null, string | null];
          expect(signal).toBe('SIGKILL');
        }
        is.onReceived = undefined;
        start('nowhere');
        /** The keys of the messages that tell this of an endpoint. */
        const keysOf = (name: string, kind: string): Set<string> =>
          new Set(
            told.flatMap(({ id, items }) =>
              items.some((it) => it.endpoint_name === name && it.kind === kind) ? id : [],
            ),
          );
        const untold = (kind: string) => points.filter((point) => keysOf(point, kind).size === 0);
        await expect.poll(() => untold('opened'), patience).toEqual([]);
        is.status = 200;
        await expect.poll(() => untold('resolved'), patience).toEqual([]);
        // Nothing is left that could tell it once more.
        const outbox = database
          .withTables<{ dotmac_outbox: { seq: number } }>()
          .selectFrom('dotmac_outbox')
          .select('seq');
        const waiting = () => outbox.execute();
        await expect.poll(waiting, patience).toEqual([]);

        for (const point of points)
          expect([point, keysOf(point, 'opened').size, keysOf(point, 'resolved').size]).toEqual([point, 1, 1]);
        const [before] = keysOf('received', 'opened');
        expect(told.filter(({ id }) => id === before).length).toBeGreaterThan(1);
        expect(new Set(told.map(({ id, text }) => `${id} ${text}`)).size).toBe(new Set(told.map(({ id }) => id)).size);
        const { incidents, timeline } = store.tenant('acme');
        const { items } = await incidents({ limit: 100, after: null, filter: {} });
        expect(items.map(({ endpointName }) => endpointName).sort()).toEqual([...points].sort());
        for (const { id } of items) {
          const kinds = (await timeline(id)).entries.map(({ kind }) => kind);
          expect(kinds.filter((kind) => kind !== 'told')).toEqual(['opened', 'resolved']);
          expect(kinds.filter((kind) => kind === 'told')).toHaveLength(2);
        }
      },
      120_000,
    );
  },
);
