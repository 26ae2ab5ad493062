import { Client } from 'pg';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { defineServiceTemplate } from '../../src/provisioning/template.js';
import { backends } from '../support/backends.js';
import { rig, until } from '../support/lifecycle.js';

const keys = ['port', 'account', 'router', 'mail', 'billing'];

for (const { present, create } of backends.filter(({ title }) => title === 'PostgreSQL'))
  describe.skipIf(!present)('a run whose connections to PostgreSQL are terminated', () => {
    it('goes on after every step, each call under its one key, and ends as if nothing had been', async () => {
      const backend = await create();
      const killer = new Client({ connectionString: backend.url ?? '' });
      await killer.connect();
      const terminate = (): Promise<unknown> =>
        killer.query(
          'select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()',
        );
      const calls: { key: string; idempotencyKey: string }[] = [];
      const killed = new Set<string>();
      const template = defineServiceTemplate({
        name: 'internet',
        config: z.object({}),
        steps: keys.map((key) => ({
          key,
          async run({ idempotencyKey }) {
            calls.push({ key, idempotencyKey });
            if (killed.has(key)) return;
            killed.add(key);
            await terminate();
          },
        })),
      });
      const run = await rig(backend, { templates: [template], leaseMs: 5_000, sweepMs: 1_000 });
      const { id } = await run.acme.services.request(await run.active(), { serviceName: 'internet' });
      await until(async () => {
        const found = await run.acme.services.get(id).catch(() => undefined);
        return found?.status === 'active';
      }, run.clock);
      expect([...killed]).toEqual(keys);
      for (const key of keys) {
        const own = calls.filter((call) => call.key === key);
        expect(own.length).toBeLessThanOrEqual(2);
        expect(new Set(own.map(({ idempotencyKey }) => idempotencyKey)).size).toBe(1);
      }
      const { steps } = await run.acme.provisioning.get(id);
      expect(steps.map(({ status }) => status)).toEqual(keys.map(() => 'completed'));
      const { items } = await run.acme.feed.history((await run.acme.services.get(id)).customerId, {
        types: ['service.provisioned', 'service.failed', 'service.stuck'],
      });
      expect(items.map(({ eventType }) => eventType)).toEqual(['service.provisioned']);
      await run.stop();
      await killer.end();
      await backend.close();
    }, 60_000);
  });
