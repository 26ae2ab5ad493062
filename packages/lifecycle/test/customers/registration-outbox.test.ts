import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Outbox } from '@dotmac/core';
import type { LifecycleStore } from '../../src/store/store.js';
import { backends, type Backend } from '../support/backends.js';
import { rig, someone } from '../support/lifecycle.js';

for (const { title, present, create } of backends)
  describe.skipIf(!present)(`what a registration puts into the outbox, on ${title}`, () => {
    let backend: Backend;
    beforeEach(async () => {
      backend = await create();
    });
    afterEach(() => backend.close());

    it('is written at once: what happened, and then the tokens that are to be sent', async () => {
      const { store } = backend;
      const written: string[][] = [];
      const append: Outbox['append'] = (entries, trx) => {
        if (entries.length > 0) written.push(entries.map(({ subscriber, event }) => `${event.name} for ${subscriber}`));
        return store.outbox.append(entries, trx);
      };
      const watched: LifecycleStore = { ...store, outbox: { ...store.outbox, append } };
      const run = await rig({ ...backend, store: watched });
      run.module.subscribe({ name: 'crm', events: ['customer.registered'], deliver: () => undefined });
      const { id } = await run.acme.customers.register({ ...someone(), phone: '+4912345678' });
      const token = 'verification.issued for send-verification';
      expect(written).toEqual([['customer.registered for crm', token, token]]);
      expect(await run.token(id)).not.toBe('');
      expect(await run.token(id, 'phone')).not.toBe('');
      await run.stop();
    });
  });
