import { databaseFromUrl } from '@dotmac/core/kysely';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { bundleWorker } from '../../../../test/support/bundle-worker.js';
import { closedPort } from '../../../../test/support/ports.js';
import { available, freshMysql, freshPostgres } from '../../../../test/support/services.js';
import {
  createHealth,
  kyselyHealthStore,
  type EndpointDraft,
  type Health,
  type HealthOptions,
  type StreamedEvent,
} from '../../src/index.js';
import { nextSlot } from '../../src/monitoring/phase.js';

const acme = { tenantId: 'acme', actor: 'user:1' };
const patience = { timeout: 30_000, interval: 50 };
/** Longer than a busy machine stands still, and over long before the 15 s that a lease lasts where nobody says. */
const leaseMs = 6_000;

let worker: Awaited<ReturnType<typeof bundleWorker>>;
beforeAll(async () => {
  worker = await bundleWorker(new URL('../support/sharing-worker.ts', import.meta.url));
});
afterAll(() => worker.remove());

/** A server on a port that can go and come back, and counts who connects. */
async function target() {
  let server: Server | undefined;
  const it = { port: await closedPort(), visits: 0, up, down };
  async function up(): Promise<void> {
    server = createServer((socket) => {
      it.visits++;
      socket.on('error', () => undefined).resume();
    }).listen(it.port, '127.0.0.1');
    await once(server, 'listening');
  }
  async function down(): Promise<void> {
    const closing = server;
    server = undefined;
    if (closing) await new Promise((resolve) => closing.close(resolve));
  }
  onTestFinished(down);
  await up();
  return it;
}

/** A process that monitors the database, when no other does. */
function startProcess(url: string, instance: string, leaseTtlMs: number) {
  const child = spawn(process.execPath, [worker.path, url, instance, String(leaseTtlMs)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const it = { child, role: '', by: null as string | null, changes: [] as string[], isSuspended: false };
  createInterface({ input: child.stdout }).on('line', (line) => {
    const said = JSON.parse(line) as { role?: string; by?: string | null; change?: string; isSuspended?: true };
    if (said.role !== undefined) Object.assign(it, { role: said.role, by: said.by ?? null });
    if (said.change !== undefined) it.changes.push(said.change);
    it.isSuspended ||= said.isSuspended === true;
  });
  const becomes = (role: string, options = patience) => expect.poll(() => it.role, options).toBe(role);
  /** Between two things that it asks of its store. */
  const suspend = (): Promise<void> => {
    child.kill('SIGUSR2');
    return expect.poll(() => it.isSuspended, patience).toBe(true);
  };
  return Object.assign(it, { becomes, suspend });
}

const databases = [
  [
    'SQLite',
    true,
    () => {
      const folder = mkdtempSync(join(tmpdir(), 'dotmac-sharing-'));
      return Promise.resolve({
        url: `sqlite:${join(folder, 'health.db')}`,
        drop: () => Promise.resolve(rmSync(folder, { recursive: true, force: true })),
      });
    },
  ],
  ['PostgreSQL', available.postgres, freshPostgres],
  ['MariaDB', available.mysql, freshMysql],
] as const;

describe.each(databases)('processes on one store, on %s', (_, isAvailable, fresh) => {
  /** A store with one endpoint, seen by a process that does not monitor. */
  async function stage(draft: Partial<EndpointDraft> = {}, options: Partial<HealthOptions> = {}) {
    const { url, drop } = await fresh();
    const server = await target();
    const database = databaseFromUrl(url);
    onTestFinished(async () => {
      await database.close();
      await drop();
    });
    const store = kyselyHealthStore(database);
    const onlooker = createHealth({
      ...{ store, egress: { allow: ['loopback'] }, checkIntervals: { min: 1 }, monitoring: false },
      ...options,
    });
    await onlooker.start();
    onTestFinished(() => onlooker.stop());
    const scope = onlooker.scope(acme);
    const register = () =>
      scope.endpoints.register({
        ...{ name: 'gateway', host: '127.0.0.1', port: server.port, serviceType: 'tcp' },
        ...{ checkInterval: 1, timeout: 1, retryCount: 2, ...draft },
      });
    let { id } = await register();
    // One that is checked seldom is not to be just now: its id decides when, and is random.
    const intervalMs = (draft.checkInterval ?? 1) * 1_000;
    while (intervalMs > 600_000 && nextSlot(id, intervalMs, Date.now()) < Date.now() + intervalMs / 2) {
      await scope.endpoints.remove(id);
      ({ id } = await register());
    }
    /** Its status, in the onlooker's memory. */
    const status = () => scope.summary().details[0]?.status;
    const seen = (expected: string) => expect.poll(status, patience).toBe(expected);
    const incidents = async () => (await scope.incidents.list()).items;
    const kinds = async () => {
      const [incident] = await incidents();
      return incident ? (await scope.incidents.get(incident.id)).timeline.map(({ kind }) => kind) : [];
    };
    return { url, server, store, onlooker, scope, id, status, seen, incidents, kinds };
  }

  it.skipIf(!isAvailable)(
    'a monitor that is killed is followed within its lease by another, which goes on from what it knew',
    async () => {
      const { url, server, seen, incidents, kinds, scope, id } = await stage();
      const first = startProcess(url, 'first', leaseMs);
      await first.becomes('monitoring');
      const second = startProcess(url, 'second', leaseMs);
      await second.becomes('standby');
      await seen('healthy');
      await server.down();
      await seen('offline');
      expect((await scope.explain(id)).monitoredBy).toBe('first');

      first.child.kill('SIGKILL');
      await second.becomes('monitoring', { ...patience, timeout: 14_000 });
      await expect.poll(async () => (await scope.explain(id)).monitoredBy, patience).toBe('second');
      await server.up();
      await seen('healthy');
      expect(await incidents()).toHaveLength(1);
      expect(await kinds()).toEqual(['opened', 'resolved']);
      const changes = [...first.changes, ...second.changes];
      expect(changes.filter((it) => it.endsWith('> unknown'))).toEqual([]);
    },
    60_000,
  );

  it.skipIf(!isAvailable)(
    'a monitor that was suspended beyond its lease writes nothing when it wakes',
    async () => {
      const { url, server, seen, incidents, kinds, store, id } = await stage({ retryCount: 1 });
      const first = startProcess(url, 'first', leaseMs);
      await first.becomes('monitoring');
      // Whose own does not end while it is suspended.
      const second = startProcess(url, 'second', 60_000);
      await second.becomes('standby');
      await seen('healthy');

      await first.suspend();
      await second.becomes('monitoring');
      await server.down();
      await seen('offline');
      await second.suspend();
      const before = await store.stateRevision();
      // Now nobody else writes, and the first, which knows a server that answers, finds it gone.
      first.child.kill('SIGCONT');
      await first.becomes('standby');
      expect(await store.stateRevision()).toBe(before);
      expect((await store.tenant('acme').get(id))?.state?.status).toBe('offline');
      expect(await kinds()).toEqual(['opened']);
      second.child.kill('SIGCONT');
      await server.up();
      await seen('healthy');
      expect(await incidents()).toHaveLength(1);
      expect(await kinds()).toEqual(['opened', 'resolved']);
    },
    60_000,
  );

  it.skipIf(!isAvailable)(
    'a monitor that stops leaves to another at once, and nothing is checked twice meanwhile',
    async () => {
      const { url, server, seen } = await stage();
      const first = startProcess(url, 'first', 60_000);
      await first.becomes('monitoring');
      const second = startProcess(url, 'second', 60_000);
      await second.becomes('standby');
      await seen('healthy');
      const [visits, since] = [server.visits, performance.now()];
      await expect.poll(() => server.visits, patience).toBeGreaterThanOrEqual(visits + 3);
      // One check a second: two processes that both check would make twice as many.
      expect(server.visits - visits).toBeLessThanOrEqual((performance.now() - since) / 1_000 + 2);
      const exited = once(first.child, 'exit');
      first.child.kill('SIGTERM');
      await second.becomes('monitoring');
      await exited;
      expect([...first.changes, ...second.changes].filter((it) => !it.endsWith('> healthy'))).toEqual([]);
    },
    60_000,
  );

  it.skipIf(!isAvailable)(
    'what happens is told in every process, in one order, and goes on in one where another ended',
    async () => {
      const { url, server, onlooker, seen, id, scope } = await stage();
      const first = startProcess(url, 'first', 5_000);
      await first.becomes('monitoring');
      await seen('healthy');
      const database = databaseFromUrl(url);
      const other = createHealth({ store: kyselyHealthStore(database), checkIntervals: { min: 1 }, monitoring: false });
      await other.start();
      const stop = new AbortController();
      onTestFinished(async () => {
        stop.abort();
        await other.stop();
        await database.close();
      });
      /** What a process tells, from one event on if that is given; else from now on, or from a moment ago. */
      const follow = (from: Health, lastEventId?: string): StreamedEvent[] => {
        const told: StreamedEvent[] = [];
        void (async () => {
          for await (const event of from.scope(acme).stream.follow({ lastEventId, signal: stop.signal }))
            told.push(event);
        })();
        return told;
      };
      const transitions: string[] = [];
      for (const it of [onlooker, other])
        it.scope(acme).onTransition(({ data }) => void transitions.push(data.to), { endpointId: id });
      const [one, two] = [follow(onlooker), follow(other)];
      await scope.endpoints.update(id, { name: 'renamed' });
      await server.down();
      await seen('offline');
      await server.up();
      await seen('healthy');
      const sinceRenamed = (told: StreamedEvent[]) =>
        told.slice(told.findIndex(({ event }) => event === 'endpoint.updated'));
      const names = (told: StreamedEvent[]) => sinceRenamed(told).map(({ event }) => event);
      for (const told of [one, two]) await expect.poll(() => names(told), patience).toContain('incident.resolved');
      await expect.poll(() => transitions.filter((to) => to === 'offline').length, patience).toBe(2);
      expect(names(one).slice(0, 3)).toEqual(['endpoint.updated', 'endpoint.status_changed', 'incident.opened']);
      await expect.poll(() => sinceRenamed(two), patience).toEqual(sinceRenamed(one));
      const rest = follow(other, sinceRenamed(one)[1]?.id);
      await expect.poll(() => rest, patience).toEqual(sinceRenamed(one).slice(2));
    },
    60_000,
  );

  it.skipIf(!isAvailable)(
    'what another process changes is monitored so within seconds',
    async () => {
      const { url, server, scope, seen, id } = await stage();
      const first = startProcess(url, 'first', 5_000);
      await first.becomes('monitoring');
      await seen('healthy');
      const lastOf = async (endpointId: string) => (await scope.endpoints.get(endpointId)).lastStatus;
      const { id: another } = await scope.endpoints.register({
        ...{ name: 'another', host: '127.0.0.1', port: server.port, serviceType: 'tcp', checkInterval: 1, timeout: 1 },
      });
      await expect.poll(() => lastOf(another), patience).toBe('healthy');
      const closed = await target();
      await closed.down();
      await scope.endpoints.update(another, { port: closed.port, retryCount: 1 });
      await expect.poll(() => lastOf(another), patience).toBe('offline');
      await scope.endpoints.remove(id);
      await scope.endpoints.pause(another);
      const pulse = await target();
      await scope.endpoints.register({
        ...{ name: 'pulse', host: '127.0.0.1', port: pulse.port, serviceType: 'tcp', checkInterval: 1, timeout: 1 },
      });
      /** Visits to the server while another endpoint is visited twice. */
      const visitsMeanwhile = async (): Promise<number> => {
        const [before, beat] = [server.visits, pulse.visits];
        await expect.poll(() => pulse.visits, patience).toBeGreaterThan(beat + 1);
        return server.visits - before;
      };
      await expect.poll(visitsMeanwhile, { timeout: 30_000, interval: 0 }).toBe(0);
      expect(await lastOf(another)).toBe('unknown');
    },
    60_000,
  );

  it.skipIf(!isAvailable)(
    'what a process on standby is told, or finds when it is asked to check, counts where it is monitored',
    async () => {
      const { url, server, store, seen, id } = await stage({ checkInterval: 3_600, retryCount: 1 });
      const first = startProcess(url, 'first', 60_000);
      await first.becomes('monitoring');
      await seen('healthy');
      const standby = createHealth({ store, egress: { allow: ['loopback'] }, checkIntervals: { min: 1 } });
      await standby.start();
      onTestFinished(() => standby.stop());
      expect(standby.readiness()).toMatchObject({ ready: true, parts: { monitor: 'standby' } });
      expect(standby.monitoring()).toEqual({ role: 'standby', by: 'first' });
      await server.down();
      const scope = standby.scope(acme);
      // A check during which this process stood still finds nothing.
      await expect.poll(() => scope.endpoints.check(id), patience).toMatchObject({ status: 'offline' });
      await seen('offline');
      scope.record(id, { ok: true, responseTimeMs: 5 });
      await seen('healthy');
    },
    60_000,
  );
});
