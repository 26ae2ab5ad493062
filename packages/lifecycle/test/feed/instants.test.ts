import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { defineDunningPolicy } from '../../src/dunning/policy.js';
import { bodyOf } from '../../src/webhooks/message.js';
import { backends, type Backend } from '../support/backends.js';
import { rig, type Rig } from '../support/lifecycle.js';

const day = 86_400_000;
const policy = defineDunningPolicy({ name: 'standard', steps: [{ afterDays: 30, action: 'suspend' }] });

for (const { title, present, create } of backends)
  describe.skipIf(!present)(`instants in the details of events, on ${title}`, () => {
    let backend: Backend;
    let run: Rig;
    let id: string;
    let overdueSince: number;
    let dueAt: number;
    let until: number;
    beforeEach(async () => {
      backend = await create();
      run = await rig(backend, { dunning: [policy] });
      id = await run.active();
      overdueSince = run.clock.now() - day;
      [dueAt, until] = [run.clock.now() + 2 * day, run.clock.now() + 3 * day];
      await run.acme.dunning.overdue(id, { invoiceId: 'A', overdueSince, facts: { due_at: 5 } });
      await run.acme.dunning.overdue(id, { invoiceId: 'B', overdueSince });
      await run.acme.suspension.suspend(id, { actionType: 'late', parameters: { until: 5 } });
      await run.acme.suspension.promise(id, { actionType: 'late', until });
      await run.acme.timers.set(id, { name: 'leave', command: 'markChurning', input: {}, dueAt });
      await run.acme.timers.clear(id, 'leave');
    });
    afterEach(async () => {
      await run.stop();
      await backend.close();
    });
    const iso = (at: number): string => new Date(at).toISOString();
    /** What the events say of time; the host's own words of it are left as they are. */
    const expected = (): Record<string, unknown>[] => [
      { overdue_since: iso(overdueSince), facts: { due_at: 5 } },
      { overdue_since: iso(overdueSince) },
      { parameters: { until: 5 } },
      { until: iso(until) },
      { due_at: iso(dueAt) },
    ];

    it('are written as everywhere else: in the history, the feed, streams, webhooks and exports', async () => {
      const { items } = await run.acme.feed.history(id, { limit: 5 });
      expect(items.map(({ details }) => details).reverse()).toMatchObject(expected());
      const feed = await run.acme.feed.read({ customerId: id, limit: 100 });
      expect(feed.items.slice(-5).map(({ details }) => details)).toMatchObject(expected());
      const streamed: unknown[] = [];
      const leaving = new AbortController();
      const followed = run.acme.feed.follow({ customerId: id, lastEventId: '0', signal: leaving.signal });
      for await (const { data } of followed) if (streamed.push(data) === feed.items.length) leaving.abort();
      expect(streamed.slice(-5)).toMatchObject(expected());
      const kept = await backend.store.tenant('acme').history.list(id, { limit: 100 });
      const posted = kept.map((entry) => (JSON.parse(bodyOf(entry)) as { data: { details: unknown } }).data.details);
      expect(posted.slice(-5)).toMatchObject(expected().map(({ facts: _, parameters: __, ...instants }) => instants));
      const exported: unknown[] = [];
      for await (const line of await run.acme.privacy.export(id))
        if (line.kind === 'event') exported.push(line.details);
      expect(exported.slice(-5)).toMatchObject(expected());
    });

    it('are kept as numbers, as they always were, and say what the customer is', async () => {
      const kept = await backend.store.tenant('acme').history.list(id, { limit: 100 });
      expect(kept.slice(-5).map(({ event }) => event.data)).toMatchObject([
        { overdueSince },
        { overdueSince },
        { reason: 'late' },
        { until },
        { dueAt },
      ]);
      for await (const line of run.acme.consistency.check()) expect(line).toMatchObject({ kind: 'done', checked: 1 });
    });
  });
