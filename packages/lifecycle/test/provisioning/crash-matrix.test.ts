import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock, type Clock } from '@dotmac/core';
import { databaseFromUrl, type Database } from '@dotmac/core/kysely';
import { bundleWorker } from '../../../../test/support/bundle-worker.js';
import { available, freshMysql, freshPostgres } from '../../../../test/support/services.js';
import { createLifecycle, type LifecycleScope } from '../../src/lifecycle.js';
import { kyselyLifecycleStore } from '../../src/store/kysely/index.js';
import { freshSqlite } from '../support/backends.js';
import { createHostTables, everyKind, type HostTables, type OutsideCall } from '../support/every-kind.js';
import { fatal, fates, type Fate } from '../support/fates.js';
import { someone, until } from '../support/lifecycle.js';

const databases = [
  { title: 'SQLite', present: true, fresh: freshSqlite },
  { title: 'PostgreSQL', present: available.postgres, fresh: freshPostgres },
  { title: 'MariaDB', present: available.mysql, fresh: freshMysql },
];
const shared = { secret: 'a secret of more than 32 characters, for tests', dunning: [fatal] };
/** Far enough ahead that the leases of the dead are over. */
const later: Clock = { ...systemClock, now: () => systemClock.now() + 120_000 };

let worker: Awaited<ReturnType<typeof bundleWorker>>;
beforeAll(async () => {
  worker = await bundleWorker(new URL('../support/dying-worker.ts', import.meta.url));
});
afterAll(() => worker.remove());

/** A customer to whom something happens. */
interface Subject {
  customerId: string;
  /** Its service, if it has one before. */
  serviceId: string;
  /** Its version before. */
  version: number;
}

/** A process that was killed at a boundary. */
interface Death extends Subject {
  ledger: string;
  where: string;
  /** It left something to be finished. */
  isBegun: boolean;
}

for (const { title, present, fresh } of databases)
  describe.skipIf(!present)(`a process killed at every boundary on ${title}`, () => {
    it.each(fates)(
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
          const { customerId, serviceId, version } = subject;
          const ledger = join(worker.folder, `${customerId}.ndjson`);
          const args = [worker.path, url, ledger, of.title, customerId, serviceId, String(deadly)];
          const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
          let said = '';
          child.stdout.on('data', (data) => (said += String(data)));
          await once(child, 'exit');
          const died = readLines(ledger).flatMap((line) => ('died' in line ? [line.died] : []));
          const [left, set] = [await customers.get(customerId), await timers.listFor(customerId)];
          const isBegun = left?.version !== version || set.length > 0;
          return { ...subject, ledger, isBegun, where: died.join() || 'the end', said };
        };

        // How many boundaries there are, a process that nothing happens to says.
        const like = fates.find((each) => each.title === fate.endsLike);
        const seen = like ? Number((await die(like, 0)).said) - 8 : 0;
        const unharmed = await die(fate, 0);
        const boundaries = Number(unharmed.said);
        expect(boundaries).toBeGreaterThanOrEqual(seen + fate.least);
        const numbers = Array.from({ length: boundaries - seen }, (_, index) => seen + index + 1);
        const deaths: Death[] = [unharmed];
        const lanes = Array.from({ length: 3 }, async (_, lane) => {
          for (const number of numbers.filter((each) => each % 3 === lane)) deaths.push(await die(fate, number));
        });
        await Promise.all(lanes);
        await prepared.stop();

        const calls: OutsideCall[] = [];
        const survivor = createLifecycle({
          ...shared,
          store: kyselyLifecycleStore(database, { clock: later }),
          clock: later,
          templates: [
            everyKind(
              database,
              (call) => void calls.push(call),
              (token) => scope.provisioning.complete({ token }),
            ),
          ],
          sweepMs: 200,
        });
        const scope: LifecycleScope = survivor.scope({ tenantId: 'acme', actor: 'user:1' });
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
          // It may have died before it could approve.
          if (fate.approved)
            await scope.provisioning.decide(serviceId, { step: 'boss', decision: 'approve' }).catch(() => undefined);
          const events = async () =>
            (await history.readFrom(customerId, { after: version, limit: 1_000 })).map(({ event }) => event.name);
          await until(async () => (await events()).includes(fate.events.at(-1) ?? 'service.failed'));
          expect(await events(), where).toEqual(fate.events);
          expect(await services.get(serviceId), where).toMatchObject({ ...fate.leaves, openRunId: null });
          expect(await timers.listFor(customerId), where).toEqual([]);
          const ports = await database
            .withTables<HostTables>()
            .selectFrom('host_ports')
            .select('id')
            .where('id', 'like', `${serviceId}%`)
            .orderBy('id')
            .execute();
          expect(
            ports.map(({ id }) => id),
            where,
          ).toEqual(fate.rows.map((suffix) => `${serviceId}${suffix}`));
          const own = [...lines, ...calls].filter(
            (line): line is OutsideCall => 'key' in line && line.serviceId === serviceId,
          );
          const counts = new Map<string, number>();
          for (const { idempotencyKey } of own) counts.set(idempotencyKey, (counts.get(idempotencyKey) ?? 0) + 1);
          // `<run>:<step>`: of one run alone.
          const [run = ''] = own[0]?.idempotencyKey.split(':') ?? [];
          expect([...counts.keys()].sort(), where).toEqual(fate.calls.map((step) => `${run}:${step}`).sort());
          // One death repeats one call at the most.
          expect(
            [...counts.values()].reduce((sum, count) => sum + count - 1, 0),
            where,
          ).toBeLessThanOrEqual(1);
        }
        await survivor.stop();
        await database.close();
        await drop();
      },
      900_000,
    );
  });

/** A host that brings customers to where their fates begin. */
async function preparing(database: Database) {
  const store = kyselyLifecycleStore(database);
  const sent = new Map<string, string>();
  const host = createLifecycle({
    ...shared,
    // What the dead leave behind is not for this one.
    store: { ...store, dueRuns: () => Promise.resolve([]), dueTimers: () => Promise.resolve([]) },
    templates: [
      everyKind(
        database,
        () => undefined,
        (token) => scope.provisioning.complete({ token }),
      ),
    ],
    sendVerification: ({ customerId, token }) => void sent.set(customerId, token),
  });
  await host.start();
  const scope: LifecycleScope = host.scope({ tenantId: 'acme', actor: 'user:1' });
  const { customers, services } = store.tenant('acme');
  const untilGiven = (serviceId: string, access: string) =>
    until(async () => {
      const service = await services.get(serviceId);
      return service?.access === access && service.openRunId === null;
    });
  return {
    async subject({ given }: Fate): Promise<Subject> {
      const { id: customerId } = await scope.customers.register(someone());
      await until(() => sent.has(customerId));
      const token = { verificationToken: sent.get(customerId) ?? '', verificationType: 'email' } as const;
      await scope.verification.verify(customerId, token);
      await scope.onboarding.onboard(customerId);
      let serviceId = '';
      if (given) {
        serviceId = (await scope.services.request(customerId, { serviceName: 'every-kind' })).id;
        await scope.provisioning.decide(serviceId, { step: 'boss', decision: 'approve' });
        await untilGiven(serviceId, 'full');
      }
      if (given === 'suspended') {
        await scope.services.suspend(serviceId, { actionType: 'abuse' });
        await untilGiven(serviceId, 'suspended');
      }
      return { customerId, serviceId, version: (await customers.get(customerId))?.version ?? 0 };
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
