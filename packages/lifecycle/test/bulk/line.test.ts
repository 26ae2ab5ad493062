import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { newId } from '@dotmac/core';
import type { Batch } from '../../src/bulk/batch.js';
import { lineUp } from '../../src/bulk/line.js';
import type { BulkOperation } from '../../src/bulk/operation.js';
import { overtaken } from '../../src/bulk/progress.js';
import type { LifecycleContext } from '../../src/context.js';
import type { BulkStore, LifecycleStore } from '../../src/store/store.js';
import { backends, type Backend } from '../support/backends.js';
import { crowd } from '../support/crowd.js';
import { rig, until } from '../support/lifecycle.js';

const operationFor = (change: Partial<BulkOperation>): BulkOperation => ({
  ...{ id: newId(), tenantId: 'acme', command: 'suspend', input: {}, filter: {}, dryRun: false, status: 'running' },
  ...{ total: 9, processed: 0, changed: 0, refused: 0, outcomes: [], createdBy: 'user:1', createdAt: 5, startedAt: 5 },
  ...{ touchedAt: 5, endedAt: null, cancelRequestedAt: null, cursor: '', upTo: '~', erased: null },
  ...change,
});

for (const { title, present, create } of backends)
  describe.skipIf(!present)(`batches that are written in a line, on ${title}`, () => {
    let backend: Backend;
    beforeEach(async () => {
      backend = await create();
    });
    afterEach(() => backend.close());
    const own = () => backend.store.tenant('acme').bulk;
    const begin = async (change: Partial<BulkOperation> = {}): Promise<BulkOperation> => {
      const operation = operationFor(change);
      await own().insert(operation);
      return operation;
    };
    const line = (operation: BulkOperation) =>
      lineUp({ store: backend.store, clock: backend.clock } as unknown as LifecycleContext, operation);
    /** One customer's batch. */
    const batch = (customerId: string, write: Batch['write'] = () => Promise.resolve()): Batch => {
      return { results: [{ customerId, from: 'active', to: 'suspended', refusal: null }], write };
    };

    it('begin before the one before them is over, where the store can do that, and commit after it', async () => {
      const operation = await begin();
      const happened: string[] = [];
      const { store, clock } = backend;
      const { parallelTransactions } = store.capabilities;
      let secondWrites = (): void => undefined;
      const secondIsWritten = new Promise<void>((resolve) => (secondWrites = resolve));
      const slow: LifecycleStore = {
        ...store,
        tenant(tenantId) {
          const all = store.tenant(tenantId);
          const advance: BulkStore['advance'] = async (after, before, trx) => {
            if (after.cursor === 'a' && parallelTransactions) await secondIsWritten;
            happened.push(`${after.cursor} is noted`);
            return all.bulk.advance(after, before, trx);
          };
          return { ...all, bulk: { ...all.bulk, advance } };
        },
      };
      const batches = lineUp({ store: slow, clock } as unknown as LifecycleContext, operation);
      await batches.add(
        batch('a', async () => {
          // Long enough for the other to begin, if it were to.
          for (let round = 0; round < 9 && parallelTransactions; round++) await own().get(operation.id);
          happened.push('a is written');
        }),
      );
      await batches.add(
        batch('b', () => {
          happened.push('b is written');
          secondWrites();
          return Promise.resolve();
        }),
      );
      expect(batches.cursor).toBe('b');
      expect(await batches.end()).toMatchObject({ cursor: 'b', processed: 2 });
      const side = ['a is written', 'b is written', 'a is noted', 'b is noted'];
      const turns = ['a is written', 'a is noted', 'b is written', 'b is noted'];
      expect(happened).toEqual(parallelTransactions ? side : turns);
      expect(await own().get(operation.id)).toMatchObject({ cursor: 'b', processed: 2, changed: 2 });
    });

    it('leave nothing behind when one before them was not written', async () => {
      const operation = await begin();
      const moved: BulkOperation = { ...operation, cursor: 'a', processed: 1 };
      await backend.store.transaction((trx) => own().advance(moved, operation, trx));
      const leaves = (id: string) =>
        batch(id, (trx) => own().addFailures(operation.id, [{ id, code: 'X', message: 'left behind' }], trx));
      const batches = line(operation);
      const adding = async () => {
        for (const id of ['a', 'b']) await batches.add(leaves(id));
        await batches.end();
      };
      await expect(adding()).rejects.toBe(overtaken);
      await batches.settled();
      expect((await own().failures({ operationId: operation.id, limit: 9 })).items).toEqual([]);
      expect(await own().get(operation.id)).toMatchObject({ cursor: 'a', processed: 1 });
    });

    it('do each customer once while others change some of them', async () => {
      const { store } = backend;
      const people = (await crowd(store, 30)).map(({ id }) => id);
      const disturbed = new Set([people[4], people[13], people[14], people[28]]);
      let disturb = (_: string): Promise<unknown> => Promise.resolve();
      const slow: LifecycleStore = {
        ...store,
        tenant(tenantId) {
          const all = store.tenant(tenantId);
          /** Three at a time; some change between their reading and their writing, once. */
          const next: BulkStore['next'] = async (operation, limit) => {
            const found = await all.bulk.next(operation, Math.min(limit, 3));
            for (const { id } of found) if (disturbed.delete(id)) await disturb(id);
            return found;
          };
          return { ...all, bulk: { ...all.bulk, next } };
        },
      };
      const run = await rig({ ...backend, store: slow });
      disturb = (id) => run.acme.suspension.suspend(id, { actionType: 'abuse' });
      const { id } = await run.acme.bulk.start({
        command: 'suspend',
        input: { actionType: 'move' },
        filter: {},
        dryRun: false,
      });
      await until(async () => (await run.acme.bulk.get(id)).status === 'completed', run.clock);
      expect(await run.acme.bulk.get(id)).toMatchObject({ processed: 30, changed: 30, refused: 0 });
      const opened = await Promise.all(
        people.map(async (customerId) =>
          (await run.acme.customers.read(customerId)).blocks.map(({ reason }) => reason),
        ),
      );
      expect(opened.map((reasons) => reasons.filter((reason) => reason === 'move'))).toEqual(
        people.map(() => ['move']),
      );
      expect(opened.filter((reasons) => reasons.includes('abuse'))).toHaveLength(4);
      await run.stop();
    });

    it('give two commands to the same customers at the same time, each of them once', async () => {
      const { store } = backend;
      const people = (await crowd(store, 60)).map(({ id }) => id);
      const begun = new Set<string>();
      let bothHaveRead = (): void => undefined;
      const together = new Promise<void>((resolve) => (bothHaveRead = resolve));
      const inThrees: LifecycleStore = {
        ...store,
        tenant(tenantId) {
          const all = store.tenant(tenantId);
          /** Three at a time; nobody writes before both have read the first three. */
          const next: BulkStore['next'] = async (operation, limit) => {
            const found = await all.bulk.next(operation, Math.min(limit, 3));
            if (begun.add(operation.id).size === 2) bothHaveRead();
            await together;
            return found;
          };
          return { ...all, bulk: { ...all.bulk, next } };
        },
      };
      const run = await rig({ ...backend, store: inThrees });
      const started = await Promise.all(
        ['move', 'abuse'].map((actionType) =>
          run.acme.bulk.start({ command: 'suspend', input: { actionType }, filter: {}, dryRun: false }),
        ),
      );
      for (const { id } of started) {
        await until(async () => (await run.acme.bulk.get(id)).status === 'completed', run.clock);
        expect(await run.acme.bulk.get(id)).toMatchObject({ processed: 60, changed: 60, refused: 0 });
      }
      for (const id of people) {
        const { blocks } = await run.acme.customers.read(id);
        expect(blocks.map(({ reason }) => reason).sort()).toEqual(['abuse', 'move']);
        const entries = await store.tenant('acme').history.list(id, { limit: 9 });
        expect(entries.map(({ seq }) => seq)).toEqual([1, 2, 3]);
      }
      await run.stop();
    });
  });
