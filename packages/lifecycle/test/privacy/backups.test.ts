import { describe, expect, it } from 'vitest';
import type { Database } from '@dotmac/core/kysely';
import { backends } from '../support/backends.js';
import { rig } from '../support/lifecycle.js';
import { everything, lived, traces } from '../support/lived.js';
import { tracesOf } from '../support/traces.js';

type AnyTables = Record<string, Record<string, unknown>>;

/** Copies every table but that of the keys, as a backup that leaves it out. */
async function backUp(from: Database, to: Database): Promise<void> {
  const tables = (await from.kysely.introspection.getTables()).map(({ name }) => name);
  const left = /^dotmac_(\w+_migrations(_lock)?|customer_keys)$/;
  for (const table of tables.filter((name) => name.startsWith('dotmac_') && !left.test(name))) {
    const rows = await from.withTables<AnyTables>().selectFrom(table).selectAll().execute();
    // The outbox numbers its entries itself.
    const kept = table === 'dotmac_outbox' ? rows.map(({ seq: _, ...row }) => row) : rows;
    if (kept.length > 0) await to.withTables<AnyTables>().insertInto(table).values(kept).execute();
  }
}

for (const { title, present, create } of backends.filter((each) => each.title !== 'memory'))
  describe.skipIf(!present)(`a backup from before an erasure, without the keys, on ${title}`, () => {
    it('shows a person where its rows stood as they were worked with, and nowhere in what is kept for good', async () => {
      const [live, backup] = [await create(), await create()];
      const run = await rig(live, everything);
      const id = await lived(run, live);
      await run.stop();
      await backUp(live.database as Database, backup.database as Database);

      const found = await tracesOf(backup.database as Database, traces);
      const tables = new Set(found.map((it) => it.slice(0, it.indexOf(':'))));
      // docs/forget-a-customer.md names these.
      expect([...tables].sort()).toEqual([
        'dotmac_customer_events',
        'dotmac_customer_terms',
        'dotmac_customers',
        'dotmac_dunning_cases',
        'dotmac_idempotency',
        'dotmac_lifecycle_timers',
        'dotmac_outbox',
        'dotmac_service_runs',
        'dotmac_services',
        'dotmac_step_signals',
      ]);
      // In the history: who acted under its own name, and no word of anybody's.
      const inHistory = found.filter((it) => it.startsWith('dotmac_customer_events'));
      expect(inHistory.every((it) => /: zebulon(@quuxmail.example)? /i.test(it))).toBe(true);

      const restored = await rig(backup, everything);
      const { acme } = restored;
      const lost = acme.services.request(
        id,
        { serviceName: 'internet', customConfig: { install: 'Kettle-Lane 9' } },
        { idempotencyKey: 'asked' },
      );
      await expect(lost).rejects.toMatchObject({ code: 'IDEMPOTENCY_ANSWER_LOST' });
      const events: unknown[] = [];
      for await (const line of await acme.privacy.export(id)) if (line.kind === 'event') events.push(line);
      expect(events.length).toBeGreaterThan(10);
      expect(JSON.stringify(events)).not.toMatch(/Quuxington|5550199|Kettle|PASSPORT|HILDEGARD/i);
      // What a restored backup brings back is taken away again.
      await acme.privacy.erase(id);
      expect(await tracesOf(backup.database as Database, traces)).toEqual([]);
      await restored.stop();
      await Promise.all([live.close(), backup.close()]);
    });
  });
