import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { defineErrors, systemClock, type Clock } from '@dotmac/core';
import { databaseFromUrl, type Database } from '@dotmac/core/kysely';
import { bundleWorker } from '../../../../test/support/bundle-worker.js';
import { isLong } from '../../../../test/support/length.js';
import { available, freshMysql, freshPostgres } from '../../../../test/support/services.js';
import { createLifecycle } from '../../src/lifecycle.js';
import type { LifecycleScope } from '../../src/scope.js';
import { kyselyLifecycleStore } from '../../src/store/kysely/index.js';
import { freshSqlite } from './backends.js';
import { allTemplates, createHostTables, hostHooks, portsOf, type Outside, type OutsideCall } from './every-kind.js';
import { fatal, fates, type Fate } from './fates.js';
import { someone, until } from './lifecycle.js';
import { nothingDue } from './nothing-due.js';

const databases = [
  { title: 'SQLite', present: true, fresh: freshSqlite },
  { title: 'PostgreSQL', present: available.postgres, fresh: freshPostgres },
  { title: 'MariaDB', present: available.mysql, fresh: freshMysql },
];
const shared = { secret: 'a secret of more than 32 characters, for tests', dunning: [fatal] };
/** Far enough ahead that the leases of the dead are over. */
const later: Clock = { ...systemClock, now: () => systemClock.now() + 120_000 };

/** A customer to whom something happens. */
interface Subject {
  customerId: string;
  /** Its service, if it has one before. */
  serviceId: string;
  /** Its version before, and its timers. */
  version: number;
  timerIds: readonly string[];
}

/** A process that was killed at a boundary. */
interface Death extends Subject {
  ledger: string;
  where: string;
  /** It left something to be finished. */
  isBegun: boolean;
}

/**
 * Has a process killed at boundaries of each of these fates, and another finish what it left. On `all`: at every boundary on
 * each of the databases. On `one`: at every third on each, and at the others on the other two, so that each is met once
 * where all three are there, and a third of them where one is. `npm run test:long` has all on all.
 */
export function crashMatrix(chosen: readonly Fate[], on: 'one' | 'all'): void {
  let worker: Awaited<ReturnType<typeof bundleWorker>>;
  beforeAll(async () => {
    worker = await bundleWorker(new URL('./dying-worker.ts', import.meta.url));
  });
  afterAll(() => worker.remove());

  for (const [turn, { title, present, fresh }] of databases.entries())
    describe.skipIf(!present)(`a process killed at every boundary on ${title}`, () => {
      it.each(chosen)(
        'of $title leaves what another finishes: each effect there or undone, and nothing done more often than it must',
        async (fate) => {
          const { url, drop } = await fresh();
          const database = databaseFromUrl(url);
          const store = kyselyLifecycleStore(database);
          const { customers, services, timers, history } = store.tenant('acme');
          await store.migrate();
          await createHostTables(database);
          const prepared = await preparing(database);

          const die = async (of: Fate, deadly: number): Promise<Death & { said: string }> => {
            const subject = await prepared.subject(of);
            const { customerId, serviceId, version, timerIds } = subject;
            const ledger = join(worker.folder, `${customerId}.ndjson`);
            const args = [worker.path, url, ledger, of.title, customerId, serviceId, String(deadly)];
            const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
            let said = '';
            child.stdout.on('data', (data) => (said += String(data)));
            await once(child, 'exit');
            const died = readLines(ledger).flatMap((line) => ('died' in line ? [line.died] : []));
            const [left, set] = [await customers.get(customerId), await timers.listFor(customerId)];
            const isBegun = left?.version !== version || set.map(({ id }) => id).join() !== timerIds.join();
            return { ...subject, ledger, isBegun, where: died.join() || 'the end', said };
          };

          // How many boundaries there are, a process that nothing happens to says.
          const like = fates.find((each) => each.title === fate.endsLike);
          const seen = like ? Number((await die(like, 0)).said) - 8 : 0;
          const unharmed = await die(fate, 0);
          const boundaries = Number(unharmed.said);
          expect(boundaries).toBeGreaterThanOrEqual(seen + fate.least);
          const isDue = (number: number): boolean => isLong || on === 'all' || number % databases.length === turn;
          const numbers = Array.from({ length: boundaries - seen }, (_, index) => seen + index + 1).filter(isDue);
          const deaths: Death[] = [unharmed];
          const lanes = Array.from({ length: 3 }, async (_, lane) => {
            for (const number of numbers.filter((_, index) => index % 3 === lane)) deaths.push(await die(fate, number));
          });
          await Promise.all(lanes);
          await prepared.stop();

          const calls: OutsideCall[] = [];
          const outside: Outside = {
            called: (call) => void calls.push(call),
            complete: (token) => scope.provisioning.complete({ token }),
            cancel: (requestId) => scope.provisioning.cancel(requestId),
            knows: (idempotencyKey) =>
              [...deaths.flatMap(({ ledger }) => readLines(ledger)), ...calls].some(
                (line) => 'key' in line && line.idempotencyKey === idempotencyKey,
              ),
          };
          const survivor = createLifecycle({
            ...shared,
            store: kyselyLifecycleStore(database, { clock: later }),
            clock: later,
            templates: allTemplates(database, outside),
            ...(fate.hooked && { hooks: hostHooks(database, outside) }),
            sweepMs: 200,
          });
          const as = (actor: string): LifecycleScope => survivor.scope({ tenantId: 'acme', actor });
          const scope = as('user:1');
          await survivor.start();
          for (const { customerId, version, isBegun, where, ledger } of deaths) {
            const lines = readLines(ledger);
            if (!isBegun) {
              // Nothing was committed: then nothing may have been asked of the outside.
              expect(
                lines.filter((line) => 'key' in line),
                where,
              ).toEqual([]);
              continue;
            }
            const [found] = (await services.list({ customerId, limit: 9 })).items;
            const { id: serviceId } = found ?? expect.unreachable();
            // It may have died before it could do so.
            await fate.insist?.(scope, serviceId, as).catch(() => undefined);
            const events = async () =>
              (await history.readFrom(customerId, { after: version, limit: 1_000 })).map(({ event }) => event.name);
            await until(async () => (await events()).includes(fate.events.at(-1) ?? 'service.failed'));
            expect(await events(), where).toEqual(fate.events);
            expect(await services.get(serviceId), where).toMatchObject({ ...fate.leaves, openRunId: null });
            expect(await timers.listFor(customerId), where).toEqual([]);
            expect(await portsOf(database, serviceId), where).toEqual(
              fate.rows.map((suffix) => `${serviceId}${suffix}`),
            );
            const own = [...lines, ...calls].filter(
              (line): line is OutsideCall => 'key' in line && line.serviceId === serviceId,
            );
            const counts = new Map<string, number>();
            for (const { idempotencyKey } of own) counts.set(idempotencyKey, (counts.get(idempotencyKey) ?? 0) + 1);
            // `<run>:<step>`
            const keys = [...counts.keys()].map((key) => key.split(/:(.*)/));
            expect(keys.map(([, step = '']) => step).sort(), where).toEqual([...fate.calls].sort());
            const runs = new Set(keys.map(([run]) => run));
            expect(runs.size, where).toBe(fate.calls.length === 0 ? 0 : (fate.runs ?? 1));
            // One death repeats one call at the most; none, where it is looked for first.
            expect(
              [...counts.values()].reduce((sum, count) => sum + count - 1, 0),
              where,
            ).toBeLessThanOrEqual(fate.repeats ?? 1);
          }
          await survivor.stop();
          await database.close();
          await drop();
        },
        900_000,
      );
    });
}

const network = defineErrors({
  OUT_OF_ORDER: { kind: 'conflict', message: (_: Record<never, never>) => 'The network is out of order.' },
});

/** A host that brings customers to where their fates begin. */
async function preparing(database: Database) {
  const store = kyselyLifecycleStore(database);
  const sent = new Map<string, string>();
  /** What the network refuses to a service: `<service>:<phase>:<step>`. */
  const refused = new Set<string>();
  const host = createLifecycle({
    ...shared,
    // What the dead leave behind is not for this one.
    store: { ...store, ...nothingDue },
    templates: allTemplates(database, {
      called({ phase, key, serviceId }) {
        if (refused.has(`${serviceId}:${phase}:${key}`)) throw network.OUT_OF_ORDER({});
      },
      complete: (token) => scope.provisioning.complete({ token }),
    }),
    sendVerification: ({ customerId, token }) => void sent.set(customerId, token),
  });
  await host.start();
  const scope: LifecycleScope = host.scope({ tenantId: 'acme', actor: 'user:1' });
  const { customers, services, timers } = store.tenant('acme');
  const untilGiven = (serviceId: string, access: string) =>
    until(async () => {
      const service = await services.get(serviceId);
      return service?.access === access && service.openRunId === null;
    });
  const untilStuck = (serviceId: string) => until(async () => (await services.get(serviceId))?.status === 'stuck');
  return {
    async subject({ given, service: serviceName = 'every-kind' }: Fate): Promise<Subject> {
      const { id: customerId } = await scope.customers.register(someone());
      await until(() => sent.has(customerId));
      const token = { verificationToken: sent.get(customerId) ?? '', verificationType: 'email' } as const;
      await scope.verification.verify(customerId, token);
      await scope.onboarding.onboard(customerId);
      let serviceId = '';
      const customConfig = { callOff: given === 'active, to be called off', keep: given === 'active, to be kept' };
      if (given) {
        serviceId = (await scope.services.request(customerId, { serviceName, customConfig })).id;
        await scope.provisioning.decide(serviceId, { step: 'boss', decision: 'approve' });
        await untilGiven(serviceId, 'full');
      }
      if (given === 'suspended' || given === 'promised') {
        await scope.services.suspend(serviceId, { actionType: 'abuse' });
        await untilGiven(serviceId, 'suspended');
      }
      if (given === 'promised') {
        await scope.services.promise(serviceId, { actionType: 'abuse', until: Date.now() + 3_600_000 });
        await untilGiven(serviceId, 'full');
      }
      if (given === 'stuck') {
        refused.add(`${serviceId}:run:shut`);
        await scope.services.suspend(serviceId, { actionType: 'abuse' });
        await untilStuck(serviceId);
      }
      if (given === 'stuck on its way back') {
        refused.add(`${serviceId}:undo:speed`);
        await scope.services.changePlan(serviceId, { customConfig: { fail: true } });
        await untilStuck(serviceId);
      }
      const timerIds = (await timers.listFor(customerId)).map(({ id }) => id);
      return { customerId, serviceId, version: (await customers.get(customerId))?.version ?? 0, timerIds };
    },
    stop: () => host.stop(),
  };
}

function readLines(ledger: string): (OutsideCall | { died: string })[] {
  if (!existsSync(ledger)) return [];
  return readFileSync(ledger, 'utf8')
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as never);
}
