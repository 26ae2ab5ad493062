import { describe, expect, it } from 'vitest';
import { backends } from '../support/backends.js';
import { rig, someone, until } from '../support/lifecycle.js';
import { allRows } from '../support/traces.js';

const day = 86_400_000;

for (const { title, present, create } of backends.filter((it) => it.title !== 'memory'))
  describe.skipIf(!present)(`how many tokens an address was sent, on ${title}`, () => {
    it('is known for a day, and then no more that there was such an address', async () => {
      const backend = await create();
      const run = await rig(backend);
      const database = backend.database ?? expect.unreachable();
      const known = async () => (await allRows(database)).get('dotmac_verification_quotas')?.length;
      const { id } = await run.acme.customers.register(someone());
      await run.acme.customers.delete(id);
      await run.acme.privacy.erase(id);
      run.clock.set(run.clock.now() + 0.9 * day);
      await run.acme.customers.register(someone());
      // Time enough for what is old to be removed.
      for (let minutes = 0; minutes < 21; minutes++) await run.clock.advance(60_000);
      expect(await known()).toBe(2);
      run.clock.set(run.clock.now() + 0.1 * day);
      await until(async () => (await known()) === 1, run.clock, 10_000);
      await run.stop();
      await backend.close();
    });
  });
