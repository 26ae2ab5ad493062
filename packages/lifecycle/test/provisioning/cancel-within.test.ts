import { z } from 'zod';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { StoreTransaction } from '@dotmac/core';
import { defineServiceTemplate } from '../../src/provisioning/template.js';
import { backends, type Backend } from '../support/backends.js';
import { rig, until, type Rig } from '../support/lifecycle.js';

type Within = (backend: Backend) => (work: (trx: StoreTransaction) => Promise<void>) => Promise<void>;
const transactions: [string, Within][] = [
  ['a transaction', ({ store }) => store.transaction],
  [
    'a transaction of the host’s own',
    ({ database }) =>
      (work) =>
        (database ?? expect.unreachable()).kysely.transaction().execute((trx) => work(trx as never)),
  ],
];

for (const { title, present, create } of backends)
  describe.skipIf(!present)(`a run that is cancelled in a transaction, on ${title}`, () => {
    let backend: Backend;
    let run: Rig;
    let calls: string[];
    const template = defineServiceTemplate({
      name: 'slow',
      config: z.object({}),
      steps: [
        {
          key: 'port',
          timeoutMs: 86_400_000,
          run: ({ signal }) =>
            new Promise((_, reject) => {
              calls.push('port');
              signal.addEventListener('abort', () => {
                calls.push('cut');
                reject(signal.reason as Error);
              });
            }),
          compensate: ({ outcome }) => void calls.push(`release (${outcome})`),
        },
      ],
    });
    beforeEach(async () => {
      [backend, calls] = [await create(), []];
      run = await rig(backend, { templates: [template] });
    });
    afterEach(async () => {
      await run.stop();
      await backend.close();
    });

    const kinds = title === 'memory' ? transactions.slice(0, 1) : transactions;
    it.each(kinds)('in %s goes on as if nobody had asked, unless that commits', async (_, open) => {
      const within = open(backend);
      const { provisioning } = run.acme;
      const { id } = await run.acme.services.request(await run.active(), { serviceName: 'slow' });
      await until(() => calls.includes('port'), run.clock, 0);
      const undone = within(async (trx) => {
        await provisioning.cancel(id, { trx });
        throw new Error('the host thinks better of it');
      });
      await expect(undone).rejects.toThrow('thinks better');
      expect(calls).toEqual(['port']);
      expect((await provisioning.get(id)).cancelRequestedAt).toBeNull();
      await within(async (trx) => {
        await provisioning.cancel(id, { trx });
        expect(calls).toEqual(['port']);
      });
      await until(async () => (await provisioning.get(id)).runStatus === 'cancelled', run.clock);
      expect(calls).toEqual(['port', 'cut', 'release (unknown)']);
    });
  });
