import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock, type Clock } from '@dotmac/core';
import { databaseFromUrl } from '@dotmac/core/kysely';
import { bundleWorker } from '../../../../test/support/bundle-worker.js';
import { available, freshMysql, freshPostgres } from '../../../../test/support/services.js';
import { createLifecycle, type Lifecycle } from '../../src/lifecycle.js';
import { kyselyLifecycleStore } from '../../src/store/kysely/index.js';
import { freshSqlite } from '../support/backends.js';
import { everyKind, type HostTables, type OutsideCall } from '../support/every-kind.js';
import { someone, until } from '../support/lifecycle.js';

const databases = [
  { title: 'SQLite', present: true, fresh: freshSqlite },
  { title: 'PostgreSQL', present: available.postgres, fresh: freshPostgres },
  { title: 'MariaDB', present: available.mysql, fresh: freshMysql },
];
const secret = 'a secret of more than 32 characters, for tests';
/** Far enough ahead that the leases of the dead are over. */
const later: Clock = { ...systemClock, now: () => systemClock.now() + 120_000 };

let worker: Awaited<ReturnType<typeof bundleWorker>>;
beforeAll(async () => {
  worker = await bundleWorker(new URL('../support/dying-worker.ts', import.meta.url));
});
afterAll(() => worker.remove());

/** A process that was killed at a boundary, or came to the end. */
interface Death {
  customerId: string;
  how: 'ok' | 'fail';
  ledger: string;
}

for (const { title, present, fresh } of databases)
  describe.skipIf(!present)(`a process killed at every boundary of every kind of step on ${title}`, () => {
    it('leaves what another finishes: each effect there or undone, and nothing done more often than it must', async () => {
      const { url, drop } = await fresh();
      const database = databaseFromUrl(url);
      await kyselyLifecycleStore(database).migrate();
      await sql`create table host_ports (id varchar(36) primary key)`.execute(database.kysely);
      const sent = new Map<string, string>();
      const host = createLifecycle({
        store: kyselyLifecycleStore(database),
        secret,
        sendVerification: ({ customerId, token }) => void sent.set(customerId, token),
      });
      await host.start();
      const { customers, verification, onboarding } = host.scope({ tenantId: 'acme' });
      const active = async (): Promise<string> => {
        const { id } = await customers.register(someone());
        await until(() => sent.has(id));
        await verification.verify(id, { verificationToken: sent.get(id) ?? '', verificationType: 'email' });
        await onboarding.onboard(id);
        return id;
      };
      const run = async (how: 'ok' | 'fail', fatal: number): Promise<Death & { said: string }> => {
        const customerId = await active();
        const ledger = join(worker.folder, `${title}-${how}-${fatal}.ndjson`);
        const child = spawn(process.execPath, [worker.path, url, ledger, customerId, how, String(fatal)], {
          stdio: ['ignore', 'pipe', 'inherit'],
        });
        let said = '';
        child.stdout.on('data', (data) => (said += String(data)));
        await once(child, 'exit');
        return { customerId, how, ledger, said };
      };

      // How many boundaries there are, a run that nothing happens to says.
      const deaths: Death[] = [];
      let seen = 0;
      for (const how of ['ok', 'fail'] as const) {
        const boundaries = Number((await run(how, 0)).said);
        expect(boundaries).toBeGreaterThan(seen + 15);
        const numbers = Array.from({ length: boundaries - seen }, (_, index) => seen + index + 1);
        // A run that will fail is the same until its last step: its end is what is new.
        seen = boundaries - 8;
        const lanes = Array.from({ length: 3 }, async (_, lane) => {
          for (const fatal of numbers.filter((number) => number % 3 === lane)) deaths.push(await run(how, fatal));
        });
        await Promise.all(lanes);
      }
      await host.stop();

      const calls: OutsideCall[] = [];
      const template = everyKind(
        database,
        (call) => void calls.push(call),
        (token) => scope.provisioning.complete({ token }),
      );
      const survivor: Lifecycle = createLifecycle({
        store: kyselyLifecycleStore(database, { clock: later }),
        clock: later,
        templates: [template],
        secret,
        sweepMs: 200,
      });
      const scope = survivor.scope({ tenantId: 'acme', actor: 'user:1' });
      const store = kyselyLifecycleStore(database);
      const { services, runs, history } = store.tenant('acme');
      await survivor.start();
      for (const death of deaths) {
        const lines = readLines(death.ledger);
        const died = lines.flatMap((line) => ('died' in line ? [line.died] : []));
        const [service] = (await services.list({ customerId: death.customerId, limit: 9 })).items;
        const where = `${death.how}, died at: ${died.join() || 'the end'}`;
        if (!service) {
          // Nothing was committed: then nothing may have been asked of the outside.
          expect(
            lines.filter((line) => 'key' in line),
            where,
          ).toEqual([]);
          continue;
        }
        // It may have died before it could approve.
        await scope.provisioning.decide(service.id, { step: 'boss', decision: 'approve' }).catch(() => undefined);
        const end = death.how === 'ok' ? 'completed' : 'failed';
        await until(async () => (await runs.get(service.id))?.status === end);
        const events = (await history.list(death.customerId, { limit: 1_000 })).map(({ event }) => event.name);
        expect(
          events.filter((name) => name === 'service.provisioned' || name === 'service.failed'),
          where,
        ).toEqual([death.how === 'ok' ? 'service.provisioned' : 'service.failed']);
        const ports = await database
          .withTables<HostTables>()
          .selectFrom('host_ports')
          .selectAll()
          .where('id', '=', service.id)
          .execute();
        expect(ports.length, where).toBe(death.how === 'ok' ? 1 : 0);
        const own = [...lines, ...calls].filter(
          (line): line is OutsideCall => 'key' in line && line.requestId === service.id,
        );
        const counts = new Map<string, number>();
        for (const { idempotencyKey } of own) counts.set(idempotencyKey, (counts.get(idempotencyKey) ?? 0) + 1);
        const undone = death.how === 'ok' ? [] : ['account', 'technician', 'port'];
        expect([...counts.keys()].sort(), where).toEqual(
          [
            ...['port', 'technician', 'account'].map((key) => `${service.id}:${key}`),
            ...undone.map((key) => `${service.id}:${key}:compensate`),
          ].sort(),
        );
        // One death repeats one call at the most.
        expect(
          [...counts.values()].reduce((sum, count) => sum + count - 1, 0),
          where,
        ).toBeLessThanOrEqual(1);
      }
      await survivor.stop();
      await database.close();
      await drop();
    }, 900_000);
  });

function readLines(ledger: string): (OutsideCall | { died: string })[] {
  if (!existsSync(ledger)) return [];
  return readFileSync(ledger, 'utf8')
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as never);
}
