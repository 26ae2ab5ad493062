import { describe, expect, it } from 'vitest';
import { isOperationError } from '@dotmac/core';
import { fold, foldedRow } from '../../src/customers/fold.js';
import { createLifecycle } from '../../src/lifecycle.js';
import { foldedService, foldServices } from '../../src/services/fold.js';
import { backends } from '../support/backends.js';
import { withBoundaries, type AtBoundary } from '../support/boundaries.js';
import { crowd } from '../support/crowd.js';
import { allTemplates, createHostTables, portsOf, type OutsideCall } from '../support/every-kind.js';
import { fates } from '../support/fates.js';
import { rig, until } from '../support/lifecycle.js';

const secret = 'a secret of more than 32 characters, for tests';
const databases = backends.filter(({ title }) => title !== 'memory');
/** What may be cancelled at any time, and what the service is then. */
const stays = { left: { status: 'active', access: 'full', terminateRequestedAt: null }, kept: [''] };
const comesTo: Record<string, { left: Record<string, unknown>; kept: string[] }> = {
  provision: { left: { status: 'failed', access: 'none' }, kept: [] },
  change_plan: stays,
  'deprovision, by steps of its own': stays,
};
const chosen = fates.flatMap((fate) => {
  const cancelled = comesTo[fate.title];
  return cancelled ? [{ ...fate, ...cancelled }] : [];
});
const inside = 'inside a transaction';

for (const [turn, { title, present, create }] of databases.entries())
  describe.skipIf(!present)(`a run that is cancelled at every boundary, on ${title}`, () => {
    it.each(chosen)(
      'of $title has all that it did undone, or is refused because all was done',
      async (fate) => {
        const backend = await create();
        const { clock, store } = backend;
        const database = backend.database ?? expect.unreachable();
        const { customers, services, history } = store.tenant('acme');
        await createHostTables(database);
        const calls: OutsideCall[] = [];
        const templates = allTemplates(database, {
          called: (call) => void calls.push(call),
          // It may have been cancelled by then.
          complete: (token): Promise<unknown> => run.acme.provisioning.complete({ token }).catch(() => undefined),
        });
        let at: AtBoundary = () => undefined;
        const bounded = withBoundaries(store, (boundary) => at(boundary));
        const run = await rig({ ...backend, store: bounded }, { templates, secret });
        // Another process: nothing of this one's is cut short by it.
        const elsewhere = createLifecycle({ store, clock, templates, secret }).scope({ tenantId: 'acme' });

        /** A customer to whom it happens, once it is asked for; the worker rests. */
        const subject = async () => {
          const [{ id: customerId } = expect.unreachable()] = await crowd(store, 1);
          let serviceId = '';
          if (fate.given) {
            await run.module.start();
            serviceId = (await run.acme.services.request(customerId, { serviceName: fate.service ?? 'every-kind' })).id;
            await run.acme.provisioning.decide(serviceId, { step: 'boss', decision: 'approve' });
            await until(async () => (await services.get(serviceId))?.openRunId === null, clock);
          }
          await run.stop();
          await fate.ask(run.acme, customerId, serviceId, () => run.acme);
          const [service] = (await services.list({ customerId, limit: 9 })).items;
          return { customerId, serviceId: service?.id ?? '', runId: service?.openRunId ?? '' };
        };
        /** Lets it come to its end; it is cancelled where so many boundaries were passed, if there are as many. */
        const live = async (number: number) => {
          const { customerId, serviceId, runId } = await subject();
          calls.length = 0;
          const places: string[] = [];
          let [asked, outcome] = ['never', 'never'];
          // By its own process and by another, so that every boundary has both on the three databases.
          const by = (number + turn) % 2 === 0 ? run.acme : elsewhere;
          at = (boundary) => {
            places.push(boundary);
            if (places.length !== number) return undefined;
            asked = boundary;
            const asking = by.provisioning.cancel(runId).then(
              () => void (outcome = 'cancelled'),
              (error: unknown) => {
                if (!isOperationError(error, 'RUN_NOT_OPEN')) throw error;
                outcome = 'refused';
              },
            );
            // Who waits for it in a transaction has it wait for that.
            return boundary.endsWith(inside) ? undefined : asking;
          };
          await run.module.start();
          await until(async () => (await services.get(serviceId))?.openRunId === null, clock);
          // It is told last of what it wrote last.
          await run.stop();
          await until(() => asked === 'never' || outcome !== 'never', clock);
          at = () => undefined;

          const seen = `cancelled ${asked}`;
          const ended = await elsewhere.provisioning.get(runId);
          const isCancelled = outcome === 'cancelled';
          expect(ended.runStatus, seen).toBe(isCancelled ? 'cancelled' : 'completed');
          const service = await services.get(serviceId);
          expect(service, seen).toMatchObject(isCancelled ? fate.left : fate.leaves);
          const made = calls.filter(({ phase }) => phase === 'run').map(({ key }) => key);
          const undone = calls.filter(({ phase }) => phase === 'undo').map(({ key }) => key);
          // The last step may have been begun, and not been asked for yet: it is undone as if it had been.
          const asks = isCancelled ? [...new Set(made)].reverse() : [];
          const spared = undone.length > asks.length ? 1 : 0;
          expect(undone.slice(spared), seen).toEqual(asks);
          if (spared > 0) expect([isCancelled, made.includes(undone[0] ?? '')], seen).toEqual([true, false]);
          const rows = isCancelled ? fate.kept : fate.rows;
          expect(await portsOf(database, serviceId), seen).toEqual(rows.map((suffix) => `${serviceId}${suffix}`));
          const events = (await history.list(customerId, { limit: 99 })).map(({ event }) => event);
          const row = (await customers.get(customerId)) ?? expect.unreachable();
          expect(events.at(-1)?.name, seen).toBe(isCancelled ? 'service.cancelled' : fate.events.at(-1));
          expect({ ...fold(events), stage: row.stage }, seen).toEqual(foldedRow(row));
          expect(foldServices(events).get(serviceId), seen).toEqual(service && foldedService(service));
          // Whether any of those at a boundary came too late is a matter of microseconds; this one does.
          if (!isCancelled)
            await expect(elsewhere.provisioning.cancel(runId), seen).rejects.toMatchObject({ code: 'RUN_NOT_OPEN' });
          return { places, outcome };
        };

        const { places } = await live(0);
        expect(places.length).toBeGreaterThanOrEqual(10);
        const outcomes: string[] = [];
        // Who is cancelled passes others than who is not: from where nobody comes to any more, all were passed.
        for (let number = 1; outcomes.at(-1) !== 'never'; number++) outcomes.push((await live(number)).outcome);
        expect(outcomes.filter((outcome) => outcome === 'cancelled').length).toBeGreaterThan(places.length / 2);
        await backend.close();
      },
      600_000,
    );
  });
