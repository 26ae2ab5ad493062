import { sql } from 'kysely';
import { z } from 'zod';
import type { StoreTransaction } from '@dotmac/core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { defineJourney } from '../../src/journeys/journey.js';
import { defineServiceTemplate } from '../../src/provisioning/template.js';
import { backends, type Backend } from '../support/backends.js';
import { rig, someone, until, type Rig } from '../support/lifecycle.js';
import { tracesOf } from '../support/traces.js';

const welcome = defineJourney({
  name: 'welcome',
  startsOn: ['customer.verified'],
  endsOn: ['customer.activated'],
  steps: [{ key: 'remind', afterDays: 3 }],
});

// In memory there is no transaction of a host's; on SQLite nobody writes beside one.
for (const { title, present, create } of backends.slice(2))
  describe.skipIf(!present)(`a transaction of the host’s that has read before others wrote, on ${title}`, () => {
    let backend: Backend;
    let run: Rig;
    let open: (() => void)[];
    const template = defineServiceTemplate({
      name: 'agreed',
      config: z.object({}),
      steps: [
        { key: 'port', timeoutMs: 86_400_000, run: () => new Promise<void>((resolve) => open.push(resolve)) },
        { key: 'boss', approval: { quorum: 2 } },
      ],
    });
    const options = { journeys: [welcome], templates: [template] };
    beforeEach(async () => {
      [backend, open] = [await create(), []];
      run = await rig(backend, options);
    });
    afterEach(async () => {
      for (const go of open) go();
      await run.stop();
      await backend.close();
    });

    /** With the isolation that the database gives by itself: on MariaDB it goes on reading as of the first time. */
    const within = <Result>(meanwhile: () => Promise<unknown>, work: (trx: StoreTransaction) => Promise<Result>) =>
      (backend.database ?? expect.unreachable()).kysely.transaction().execute(async (trx) => {
        await sql`select count(*) from dotmac_customers`.execute(trx);
        await meanwhile();
        return work(trx as never);
      });
    const newcomer = async (): Promise<string> => (await run.acme.customers.register(someone())).id;
    const deleted = async (): Promise<string> => {
      const id = await newcomer();
      await run.acme.customers.delete(id);
      return id;
    };
    const decide = (id: string, actor: string, trx?: StoreTransaction) =>
      run.module
        .scope({ tenantId: 'acme', actor })
        .provisioning.decide(id, { step: 'boss', decision: 'approve' }, { trx });
    const undecided = async (): Promise<string> => {
      const { id } = await run.acme.services.request(await run.active(), { serviceName: 'agreed' });
      await until(() => open.length > 0, run.clock, 0);
      return id;
    };

    it('seals with the key that was made meanwhile', async () => {
      const id = await newcomer();
      await within(
        () => run.acme.customers.update(id, { lastName: 'One' }),
        (trx) => run.acme.customers.update(id, { lastName: 'Two' }, { trx }),
      );
      const told = (await run.acme.customers.summary(id)).lifecycleEvents.slice(-2);
      expect(told.map(({ details }) => details['changes'])).toEqual([{ lastName: 'One' }, { lastName: 'Two' }]);
    });

    it('answers as the first one under its key did meanwhile', async () => {
      const id = await newcomer();
      const update = (trx?: StoreTransaction) =>
        run.acme.customers.update(id, { lastName: 'One' }, { idempotencyKey: 'k', trx });
      let first: unknown;
      const again = await within(async () => (first = await update()), update);
      expect(again).toEqual(first);
      expect(await run.acme.customers.read(id)).toMatchObject({ version: 2 });
    });

    it('erases nobody for whom a hold was set meanwhile', async () => {
      const id = await deleted();
      const erased = within(
        () => run.acme.privacy.setHold(id, { name: 'case-1' }),
        (trx) => run.acme.privacy.erase(id, {}, { trx }),
      );
      await expect(erased).rejects.toMatchObject({ code: 'LEGAL_HOLD' });
    });

    it('erases what was written meanwhile, too', async () => {
      await run.stop();
      // Without a key, the words themselves are in the history.
      run = await rig(backend, { ...options, secret: undefined as never });
      const id = await deleted();
      const database = backend.database ?? expect.unreachable();
      const traces = () => tracesOf(database, ['quuxley']);
      await within(
        async () => {
          await run.acme.customers.update(id, { lastName: 'Quuxley' });
          expect(await traces()).not.toEqual([]);
        },
        (trx) => run.acme.privacy.erase(id, {}, { trx }),
      );
      expect(await traces()).toEqual([]);
    });

    it('ends a journey that began meanwhile', async () => {
      const id = await newcomer();
      const verificationToken = await run.token(id);
      await within(
        () => run.acme.verification.verify(id, { verificationToken, verificationType: 'email' }),
        (trx) => run.acme.onboarding.onboard(id, {}, { trx }),
      );
      expect(await run.acme.customers.get(id)).toMatchObject({ lifecycleStage: 'active' });
      expect(await run.acme.timers.list(id)).toEqual([]);
    });

    it('makes no decision that is over, nor one that was made meanwhile', async () => {
      const id = await undecided();
      const twice = within(
        () => decide(id, 'first'),
        (trx) => decide(id, 'first', trx),
      );
      await expect(twice).rejects.toMatchObject({ code: 'DECISION_MADE' });
      const late = within(
        () => decide(id, 'second'),
        (trx) => decide(id, 'third', trx),
      );
      await expect(late).rejects.toMatchObject({ code: 'STEP_NOT_DECIDABLE' });
      const said = await backend.store.tenant('acme').signals.list(id, 'boss');
      expect(said.map(({ by }) => by).sort()).toEqual(['first', 'second']);
    });

    it('gives the last places to as many as there are, of those who all read before', async () => {
      const id = await undecided();
      const racers = ['a', 'b', 'c', 'd'];
      let waiting = racers.length;
      let go = (): void => {};
      const allHaveRead = new Promise<void>((resolve) => (go = resolve));
      const meanwhile = (): Promise<void> => {
        waiting -= 1;
        if (waiting === 0) go();
        return allHaveRead;
      };
      const made = await Promise.allSettled(racers.map((by) => within(meanwhile, (trx) => decide(id, by, trx))));
      const refused = made.flatMap((it) => (it.status === 'rejected' ? [(it.reason as { code?: string }).code] : []));
      expect(refused).toEqual(['STEP_NOT_DECIDABLE', 'STEP_NOT_DECIDABLE']);
      expect(await backend.store.tenant('acme').signals.list(id, 'boss')).toHaveLength(2);
    });
  });
