import { afterEach, describe, expect, it, onTestFinished } from 'vitest';
import { sql } from 'kysely';
import { holdLease, systemClock, type Clock } from '@dotmac/core';
import { databaseFromUrl, type Database } from '@dotmac/core/kysely';
import { fakeClock } from '@dotmac/core/testing';
import { createMaintenance, kyselyMaintenanceStore } from '../../src/index.js';
import { historyKey } from '../../src/runs/lease-keys.js';
import { alone } from '../../src/testing/samples.js';
import { asTimePasses } from '../support/as-time-passes.js';
import { dialects } from '../support/databases.js';

const dayMs = 86_400_000;
const counted = async ({ kysely }: Database): Promise<number> =>
  Number((await sql<{ n: number }>`select count(*) as n from dotmac_maintenance_ledger`.execute(kysely)).rows[0]?.n);

/** Slots, a millisecond each from 1 on. */
async function fillLedger({ kysely }: Database, count: number): Promise<void> {
  const most = 1_000;
  for (let from = 1; from <= count; from += most) {
    const rows = Array.from(
      { length: Math.min(most, count - from + 1) },
      (_, i) => sql`('acme', 'nightly', '', ${from + i}, 'done', 'host/0#1', 1, 1)`,
    );
    await sql`insert into dotmac_maintenance_ledger
      (tenant_id, schedule, scope_id, slot_at, outcome, instance, attempts, claimed_at) values ${sql.join(rows)}`.execute(
      kysely,
    );
  }
}

for (const { title, present, fresh: createFresh } of dialects)
  describe.skipIf(!present)(`the history on ${title}`, () => {
    const closing: (() => Promise<unknown>)[] = [];
    afterEach(async () => {
      for (const close of closing.splice(0).reverse()) await close();
    });
    const setUp = async () => {
      const fresh = await createFresh();
      const database = databaseFromUrl(fresh.url);
      closing.push(fresh.drop, () => database.close());
      const store = kyselyMaintenanceStore(database);
      await store.migrate();
      return { database, store };
    };

    it('is pruned in small transactions with rests in between, not by one statement', async () => {
      const { database, store } = await setUp();
      await fillLedger(database, 6_000);
      let [transactions, rests] = [0, 0];
      const clock: Clock = { ...systemClock, sleep: (ms, signal) => ((rests += 1), systemClock.sleep(ms, signal)) };
      const confirm = () => Promise.resolve(void (transactions += 1));
      expect(await store.prune(5_001, { ...alone(), clock, confirm })).toBe(5_000);
      expect(await counted(database)).toBe(1_000);
      expect(transactions).toBeGreaterThan(1);
      expect(rests).toBeGreaterThanOrEqual(transactions - 1);
    });

    it('forgets the leases that nobody has had for a quarter of a year, and no others', async () => {
      const { database, store } = await setUp();
      const now = Date.now();
      // Leases end by the database's clock, however far ahead that of a process may be.
      const clock = fakeClock(now + 1_000 * dayMs);
      const name = (index: number) => `maintenance:${String(index).padStart(4, '0')}`;
      const lease = (of: string, until: number) => sql`(${of}, ${null}, 7, ${until})`;
      const old = Array.from({ length: 1_200 }, (_, index) => lease(name(index), now - 91 * dayMs));
      const others = [
        lease('maintenance:young', now - 89 * dayMs),
        lease('maintenance:held', now + dayMs),
        lease('health:old', now - 91 * dayMs),
        lease('maintenance', now - 91 * dayMs),
      ];
      await sql`insert into dotmac_leases (name, owner, fence, until_at) values ${sql.join([...old, ...others])}`.execute(
        database.kysely,
      );
      const left = async () =>
        (await sql<{ name: string }>`select name from dotmac_leases order by name`.execute(database.kysely)).rows.map(
          (row) => row.name,
        );
      await expect(
        store.prune(now, { ...alone(), clock, confirm: () => Promise.reject(new Error('another has it')) }),
      ).rejects.toThrow('another has it');
      expect(await left()).toHaveLength(1_204);
      await store.prune(now, { ...alone(), clock });
      expect((await left()).sort()).toEqual(['health:old', 'maintenance', 'maintenance:held', 'maintenance:young']);
      expect(await store.leases.acquire(name(3), 'somebody', 60_000)).toEqual({ fence: 1 });
    });

    it('stays where another has taken over its pruning, within the transaction of the batch', async () => {
      const { database, store } = await setUp();
      await fillLedger(database, 6_000);
      const held = { ttlMs: 60_000 };
      const pruned = holdLease(store.leases, 'history', held, async (_, fence) => {
        let batches = 0;
        await store.prune(6_001, {
          ...alone(),
          async confirm(within) {
            // Nobody can take it over between this look and the commit.
            if ((batches += 1) === 2) fence -= 1;
            if (!(within && (await store.holdsLease(within, 'history', fence)))) throw new Error('taken over');
          },
        });
      });
      await expect(pruned).rejects.toThrow();
      const left = await counted(database);
      expect(left).toBeGreaterThan(0);
      expect(left).toBeLessThan(6_000);
    });

    it('ends after its batch when it is to', async () => {
      const { database, store } = await setUp();
      await fillLedger(database, 6_000);
      const stop = new AbortController();
      await store.prune(6_001, { ...alone(), signal: stop.signal, confirm: () => Promise.resolve(stop.abort()) });
      const left = await counted(database);
      expect(left).toBeGreaterThan(0);
      expect(left).toBeLessThan(6_000);
    });

    it('is pruned by one process at a time, and nothing waits for that', async () => {
      const { database, store } = await setUp();
      await fillLedger(database, 10);
      const clock = fakeClock(200 * dayMs);
      const maintenance = createMaintenance({ store, clock, startScheduler: false });
      onTestFinished(() => maintenance.stop());
      await holdLease(store.leases, historyKey, { ttlMs: 60_000 }, async () => {
        await maintenance.start();
        await clock.advance(120_000);
        expect(await counted(database)).toBe(10);
      });
      await expect.poll(asTimePasses(clock, () => counted(database), 60_000)).toBe(0);
      expect(maintenance.readiness?.()).toMatchObject({ ready: true });
      await maintenance.stop();
    });
  });
