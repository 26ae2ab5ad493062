import { Client } from 'pg';
import { describe, expect, it } from 'vitest';
import { backends } from '../support/backends.js';
import { withBoundaries } from '../support/boundaries.js';
import { createHostTables, everyKind, type HostTables, type OutsideCall } from '../support/every-kind.js';
import { rig, until, type Rig } from '../support/lifecycle.js';

for (const { present, create } of backends.filter(({ title }) => title === 'PostgreSQL'))
  describe.skipIf(!present)('runs with steps of every kind, their connections terminated at every write', () => {
    it.each([
      { fail: false, ends: 'completed', told: 'service.provisioned', ports: 1 },
      { fail: true, ends: 'failed', told: 'service.failed', ports: 0 },
    ])(
      'end as if nothing had been (a step refuses: $fail)',
      async ({ fail, ends, told, ports }) => {
        const backend = await create();
        const database = backend.database ?? expect.unreachable();
        await createHostTables(database);
        const killer = new Client({ connectionString: backend.url ?? '' });
        await killer.connect();
        const calls: OutsideCall[] = [];
        const terminatedAt = new Set<string>();
        let isArmed = false;
        /** Once at each place, which is named by the call before it too: what is done again is left alone. */
        const at = async (boundary: string): Promise<void> => {
          const last = calls.at(-1);
          const place = `${last?.phase ?? ''} ${last?.key ?? ''}: ${boundary}`;
          if (!isArmed || terminatedAt.has(place)) return;
          terminatedAt.add(place);
          await killer.query(
            'select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()',
          );
        };
        /** A connection of the pool may be one that was terminated: whoever asks over it asks again. */
        const again = async <Result>(ask: () => Promise<Result>): Promise<Result> => {
          for (let left = 20; ; left--) {
            try {
              return await ask();
            } catch (error) {
              if (left === 0) throw error;
            }
          }
        };
        const of: { rig?: Rig } = {};
        const acme = () => of.rig?.acme ?? expect.unreachable();
        const template = everyKind(database, {
          async called(call) {
            calls.push(call);
            await at('call');
          },
          complete: (token) => again(() => acme().provisioning.complete({ token })),
        });
        const store = withBoundaries(backend.store, at);
        const run = (of.rig = await rig(
          { ...backend, store },
          { templates: [template], leaseMs: 5_000, sweepMs: 1_000 },
        ));
        const customerId = await run.active();
        const asked = { serviceName: 'every-kind', customConfig: { fail } };
        const { id } = await run.acme.services.request(customerId, asked);
        isArmed = true;
        await again(() => run.acme.provisioning.decide(id, { step: 'boss', decision: 'approve' }));
        const { runs } = backend.store.tenant('acme');
        await until(async () => (await again(() => runs.get(id)))?.nextAt === null, run.clock);
        isArmed = false;

        expect((await again(() => runs.get(id)))?.status).toBe(ends);
        const types = ['service.provisioned', 'service.failed', 'service.stuck'] as const;
        const { items } = await again(() => run.acme.feed.history(customerId, { types }));
        expect(items.map(({ eventType }) => eventType)).toEqual([told]);
        const rows = await again(() =>
          database.withTables<HostTables>().selectFrom('host_ports').selectAll().execute(),
        );
        expect(rows).toHaveLength(ports);
        const keysOf = new Map<string, Set<string>>();
        for (const { phase, key, idempotencyKey } of calls) {
          const name = `${phase} ${key}`;
          keysOf.set(name, (keysOf.get(name) ?? new Set()).add(idempotencyKey));
        }
        expect([...keysOf.keys()]).toContain('run account');
        expect([...keysOf.keys()].includes('undo port')).toBe(fail);
        expect([...keysOf.values()].every(({ size }) => size === 1)).toBe(true);
        expect([...terminatedAt].some((place) => place.endsWith('before the commit, inside a transaction'))).toBe(true);
        expect(terminatedAt.size).toBeGreaterThan(10);
        await run.stop();
        await killer.end();
        await backend.close();
      },
      120_000,
    );
  });
