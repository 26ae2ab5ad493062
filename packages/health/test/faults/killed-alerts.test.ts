import { spawn, type ChildProcess } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer as createHttpServer, type ServerResponse } from 'node:http';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as passes } from 'node:timers/promises';
import type { Clock } from '@dotmac/core';
import { sqlite } from '@dotmac/core/kysely';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { bundleWorker } from '../../../../test/support/bundle-worker.js';
import { closedPort } from '../../../../test/support/ports.js';
import { createHealth, kyselyHealthStore } from '../../src/index.js';
import { fastClock } from '../support/fast-clock.js';

const acme = { tenantId: 'acme', actor: 'user:1' };
const key = `whsec_${Buffer.alloc(24, 1).toString('base64')}`;
/** A minute's lease of a process that was killed is over in six seconds. */
const speed = 10;
/** As few as leave every target away; more, by as many as do so again, until there are incidents enough to tell of. */
const [rounds, roundsMore, incidentsWanted] = [20, 8, 5];

let worker: Awaited<ReturnType<typeof bundleWorker>>;
beforeAll(async () => {
  worker = await bundleWorker(new URL('../support/alert-worker.ts', import.meta.url));
});
afterAll(() => worker.remove());

/** A TCP server that can go and come back at the same port, and notes by the clock when it was away. */
async function target({ now }: Clock) {
  const downs: { from: number; until: number }[] = [];
  const open = new Set<Socket>();
  let server: Server | undefined;
  const port = await closedPort();
  const it = {
    ...{ port, downs },
    isUp: () => server !== undefined,
    async toggle() {
      if (server) {
        downs.push({ from: now(), until: Infinity });
        server.close();
        for (const socket of open) socket.destroy();
        server = undefined;
        return;
      }
      server = createServer((socket) => {
        open.add(socket.on('error', () => undefined).on('close', () => open.delete(socket)));
        socket.resume();
      }).listen(port, '127.0.0.1');
      await once(server, 'listening');
      const last = downs.at(-1);
      if (last) last.until = now();
    },
  };
  await it.toggle();
  onTestFinished(async () => {
    if (it.isUp()) await it.toggle();
  });
  return it;
}

interface Told {
  id: string;
  text: string;
  items: { kind: string; incident_id: string; endpoint_name: string }[];
}

/** A webhook that is in a mood: it takes messages, fails at them, hangs, or breaks off once it has read them. */
async function moodyReceiver() {
  const told: Told[] = [];
  const is = { moody: true };
  const moods: ((response: ServerResponse) => void)[] = [
    (response) => void response.writeHead(204).end(),
    (response) => void response.writeHead(500).end('no'),
    () => undefined,
    (response) => void response.destroy(),
  ];
  const server = createHttpServer((request, response) => {
    let text = '';
    request.setEncoding('utf8').on('data', (part: string) => (text += part));
    request.on('end', () => {
      told.push({ ...(JSON.parse(text) as Told), id: String(request.headers['webhook-id']), text });
      moods[is.moody ? randomInt(moods.length) : 0]?.(response);
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { told, is, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook` };
}

describe('a monitor that is killed again and again', () => {
  it('tells of every incident, of its beginning at most once and of its end exactly once', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'dotmac-health-'));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    const path = join(folder, 'health.db');
    const epoch = Date.now();
    const clock = fastClock(epoch, speed);
    const database = sqlite(path);
    onTestFinished(() => database.close());
    const store = kyselyHealthStore(database, { clock });
    const hook = await moodyReceiver();
    const targets = await Promise.all(Array.from({ length: 4 }, () => target(clock)));
    const setup = createHealth({
      ...{ store, clock, egress: { allow: ['loopback'] }, checkIntervals: { min: 1 }, monitoring: false },
      secret: 'a secret of thirty-two characters',
    });
    await setup.start();
    const { endpoints, channels, alerts } = setup.scope(acme);
    for (const [index, { port }] of targets.entries())
      await endpoints.register({
        ...{ name: `target ${index}`, host: '127.0.0.1', port, serviceType: 'tcp' },
        ...{ checkInterval: 1, timeout: 1, retryCount: 1 },
      });
    const { id } = await channels.create({
      ...{ name: 'noc', kind: 'webhook', config: { url: hook.url }, secrets: { key }, groupWait: 1 },
    });
    await alerts.create({ name: 'all', channelIds: [id] });
    await setup.stop();

    const start = async (): Promise<ChildProcess> => {
      const words = [worker.path, `sqlite:${path}`, String(epoch), String(speed)];
      const child = spawn(process.execPath, words, { stdio: ['ignore', 'pipe', 'inherit'] });
      onTestFinished(() => void child.kill('SIGKILL'));
      await once(child.stdout, 'data');
      return child;
    };
    const { incidents, timeline } = store.tenant('acme');
    const all = async () => (await incidents({ limit: 500, after: null, filter: {} })).items;
    const isEnough = async (round: number): Promise<boolean> =>
      round >= rounds && (round - rounds) % roundsMore === 0 && (await all()).length >= incidentsWanted;
    for (let round = 0; !(await isEnough(round)); round++) {
      const child = await start();
      await passes(randomInt(400));
      await targets[round % targets.length]?.toggle();
      await passes(randomInt(20, 900));
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
    hook.is.moody = false;
    await start();
    // What stays away until a monitor lives long enough to see it has an incident that is of this time.
    expect(targets.filter((it) => it.isUp())).toEqual([]);
    const unseen = async () => {
      const open = (await all()).filter(({ resolvedAt }) => resolvedAt === null);
      return targets
        .map((_, index) => `target ${index}`)
        .filter((name) => !open.some((it) => it.endpointName === name));
    };
    await expect.poll(unseen, { timeout: 60_000, interval: 100 }).toEqual([]);
    for (const it of targets) await it.toggle();
    /** Once for every message that the receiver did not know. */
    const toldOnce = () => [...new Map(hook.told.map((it) => [it.id, it])).values()].flatMap(({ items }) => items);
    const timesTold = (incidentId: string, kind: string) =>
      toldOnce().filter((it) => it.incident_id === incidentId && it.kind === kind).length;
    /** What comes and goes is not told each time, and its timeline says so. */
    const isLeftOut = async (incidentId: string): Promise<boolean> =>
      (await timeline(incidentId)).entries.some(({ text }) => text.endsWith('it comes and goes'));
    const isUntold = async ({ id: incidentId, resolvedAt }: { id: string; resolvedAt: number | null }) =>
      resolvedAt === null || (timesTold(incidentId, 'resolved') === 0 && !(await isLeftOut(incidentId)));
    const untold = async () => {
      const found = await all();
      const flags = await Promise.all(found.map(isUntold));
      return found.filter((_, index) => flags[index]);
    };
    await expect
      .poll(untold, {
        timeout: 60_000,
        interval: 100,
      })
      .toEqual([]);
    // Nothing is under way any more that could tell it twice.
    await passes(2_000);

    const everyone = await all();
    /** A check that is under way when a target comes back may have failed before. */
    const underWayMs = 25_000;
    const groundless = everyone.filter(({ endpointName, openedAt, resolvedAt }) => {
      const downs = targets.flatMap((it, index) => (endpointName === `target ${index}` ? it.downs : []));
      return !downs.some(({ from, until }) => openedAt <= until + underWayMs && (resolvedAt ?? Infinity) >= from);
    });
    expect(groundless).toEqual([]);
    const leftOut = await Promise.all(everyone.map((it) => isLeftOut(it.id)));
    const found = everyone.filter((_, index) => !leftOut[index]);
    expect(found).not.toEqual([]);
    const counts = found.map(({ id: incidentId }) => ({
      opened: timesTold(incidentId, 'opened'),
      resolved: timesTold(incidentId, 'resolved'),
    }));
    expect(counts.filter(({ opened, resolved }) => opened > 1 || resolved !== 1)).toEqual([]);
    expect(toldOnce().filter(({ incident_id }) => found.every((it) => it.id !== incident_id))).toEqual([]);
    const contents = new Set(hook.told.map(({ id: messageId, text }) => `${messageId} ${text}`));
    expect(contents.size).toBe(new Set(hook.told.map((it) => it.id)).size);
    for (const { id: incidentId } of found) {
      const kinds = (await timeline(incidentId)).entries.map(({ kind }) => kind);
      expect([kinds[0], kinds.filter((kind) => kind === 'opened' || kind === 'resolved')]).toEqual([
        'opened',
        ['opened', 'resolved'],
      ]);
    }
  }, 240_000);
});
