import { setImmediate as nextTurn } from 'node:timers/promises';
import { sql } from 'kysely';
import { z } from 'zod';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { WakeHandler, Waker } from '@dotmac/core';
import { executorFor } from '@dotmac/core/kysely';
import { fakeClock } from '@dotmac/core/testing';
import { createLifecycle } from '../../src/lifecycle.js';
import { defineServiceTemplate } from '../../src/provisioning/template.js';
import { runKey } from '../../src/store/store.js';
import { backends, type Backend } from '../support/backends.js';
import { crowd } from '../support/crowd.js';
import { rig, until } from '../support/lifecycle.js';

const config = z.object({});

/** A waker that wakes nobody by itself: `handler` is what it would call. */
function byHand(): { waker: Waker; handler: () => WakeHandler } {
  let handler: WakeHandler | undefined;
  const waker: Waker = {
    start: (given) => void (handler = given),
    wake: () => undefined,
    stop: () => Promise.resolve(),
  };
  return { waker, handler: () => handler ?? expect.unreachable() };
}

for (const { title, present, create } of backends)
  describe.skipIf(!present)(`a run that is gone on with by several at once, on ${title}`, () => {
    let backend: Backend;
    beforeEach(async () => {
      backend = await create();
    });
    afterEach(() => backend.close());

    it.each([2, 20])('%d times does each of its steps once', async (times) => {
      const { store, clock } = backend;
      const calls: string[] = [];
      /** How many are in a step at the same time. */
      let [inside, most] = [0, 0];
      const run = (key: string) => async (): Promise<void> => {
        most = Math.max(most, ++inside);
        calls.push(key);
        for (let turns = 0; turns < 3; turns++) await nextTurn();
        inside -= 1;
      };
      const steps = [
        { key: 'a', run: run('a') },
        { key: 'b', run: run('b') },
        { key: 'row', runInTransaction: run('row') },
        { key: 'c', run: run('c') },
      ];
      const templates = [defineServiceTemplate({ name: 'internet', config, steps })];
      // As many as two processes of them: within one process the waker never takes a key twice at once.
      const workers = ['one', 'two'].map(() => {
        const { waker, handler } = byHand();
        return { module: createLifecycle({ store, clock, templates, waker }), handler };
      });
      for (const { module } of workers) await module.start();
      const [person] = await crowd(store, 1);
      const scope = workers[0]?.module.scope({ tenantId: 'acme' }) ?? expect.unreachable();
      const { id } = await scope.services.request(person?.id ?? '', { serviceName: 'internet' });
      const going = Array.from({ length: times }, (_, index) =>
        (workers[index % 2]?.handler() ?? expect.unreachable())(runKey('acme', id), new AbortController().signal),
      );
      await Promise.all(going);
      expect((await scope.provisioning.get(id)).runStatus).toBe('completed');
      expect(calls).toEqual(['a', 'b', 'row', 'c']);
      expect(most).toBe(1);
      expect((await scope.provisioning.get(id)).steps.map(({ attempts }) => attempts)).toEqual([1, 1, 1, 1]);
      const { history } = store.tenant('acme');
      const names = (await history.list(person?.id ?? '', { limit: 99 })).map(({ event }) => event.name);
      expect(names.slice(1)).toEqual(['service.requested', 'service.provisioned']);
      for (const { module } of workers) await module.stop();
    });
  });

/** The host's own table, in which nothing has to be unique. */
interface Notes {
  host_notes: { service: string; worker: string };
}

// Elsewhere a transaction that is held up holds up the database.
const together = backends.filter(({ title }) => title === 'PostgreSQL' || title === 'MariaDB');

for (const { title, present, create } of together)
  describe.skipIf(!present)(`a worker held up past its lease inside a step's transaction, on ${title}`, () => {
    it.each(['before', 'after'])('%s it wrote, leaves what the other wrote, once', async (moment) => {
      const backend = await create();
      const { store, clock } = backend;
      const database = backend.database ?? expect.unreachable();
      await sql`create table host_notes (service varchar(64), worker varchar(16))`.execute(database.kysely);
      let release = (): void => {};
      let isHeld = false;
      const warnings: string[] = [];
      const logger = { debug() {}, info() {}, error() {}, warn: (_: object, text: string) => void warnings.push(text) };
      const templateOf = (worker: string) =>
        defineServiceTemplate({
          name: 'internet',
          config,
          steps: [
            {
              key: 'row',
              async runInTransaction({ trx, serviceId: service }) {
                const write = () =>
                  executorFor<Notes>(database, trx).insertInto('host_notes').values({ service, worker }).execute();
                if (moment === 'after') await write();
                if (worker === 'zombie') {
                  const held = new Promise<void>((resolve) => (release = resolve));
                  isHeld = true;
                  await held;
                }
                if (moment === 'before') await write();
                return worker;
              },
            },
            { key: 'port', run: () => worker },
          ],
        });
      const living = await rig(backend, { templates: [templateOf('living')], leaseMs: 30_000 });
      const customerId = await living.active();
      await living.stop();
      // The zombie's own clock stands still: it neither renews its lease nor notices that it should have.
      const frozen = fakeClock(clock.now());
      const zombie = createLifecycle({ store, clock: frozen, logger, templates: [templateOf('zombie')] });
      await zombie.start();
      const { id } = await zombie.scope({ tenantId: 'acme' }).services.request(customerId, { serviceName: 'internet' });
      await until(() => isHeld, frozen, 0);

      await living.module.start();
      clock.set(clock.now() + 31_000);
      await until(async () => (await living.acme.provisioning.get(id)).status === 'active', clock);
      const settled = await store.tenant('acme').runs.get(id);
      release();
      await until(() => warnings.some((text) => text.includes('taken over')), frozen, 0);
      expect(await store.tenant('acme').runs.get(id)).toEqual(settled);
      expect(settled?.steps.map(({ output }) => output)).toEqual(['living', 'living']);
      expect(await database.withTables<Notes>().selectFrom('host_notes').selectAll().execute()).toEqual([
        { service: id, worker: 'living' },
      ]);
      await zombie.stop();
      await living.stop();
      await backend.close();
    });
  });
