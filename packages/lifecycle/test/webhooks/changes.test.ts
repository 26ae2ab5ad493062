import { describe, expect, it } from 'vitest';
import { backends } from '../support/backends.js';
import { rig } from '../support/lifecycle.js';

for (const { title, present, create } of backends)
  describe.skipIf(!present)(`changes of one webhook at once, on ${title}`, () => {
    it('each change what they name, and nothing else', async () => {
      const backend = await create();
      const run = await rig(backend, { webhooks: {} });
      const { webhooks } = run.acme;
      const { id } = await webhooks.create({ name: 'CRM', url: 'https://a.example.com/in' });
      for (let round = 0; round < 10; round++) {
        const url = `https://${round}.example.com/in`;
        const name = `CRM ${round}`;
        const enabled = round % 2 === 1;
        const events = ['customer.deleted', 'customer.erased'].slice(round % 2);
        const changes = [{ url }, { name }, { enabled }, { events }];
        const [moved, ...others] = await Promise.all(changes.map((change) => webhooks.update(id, change)));
        expect(await webhooks.get(id)).toMatchObject({ url, name, enabled, events });
        expect([moved?.secret, ...others.map(({ secret }) => secret)]).toEqual([expect.any(String), null, null, null]);
      }
      await run.stop();
      await backend.close();
    });
  });
