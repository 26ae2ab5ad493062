import { z } from 'zod';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createLifecycle, type Lifecycle } from '../../src/lifecycle.js';
import { defineServiceTemplate } from '../../src/provisioning/template.js';
import { backends, type Backend } from '../support/backends.js';
import { rig, until, type Rig } from '../support/lifecycle.js';

const secret = 'a secret of more than 32 characters, for tests';
const racers = Array.from({ length: 50 }, (_, index) => index);

for (const { title, present, create } of backends)
  describe.skipIf(!present)(`an approval by three, on ${title}`, () => {
    let backend: Backend;
    let run: Rig;
    let other: Lifecycle;
    let calls: string[];
    let id: string;
    const templates = () => [
      defineServiceTemplate({
        name: 'agreed',
        config: z.object({}),
        steps: [
          { key: 'boss', approval: { quorum: 3 } },
          { key: 'port', run: () => void calls.push('port') },
        ],
      }),
    ];
    beforeEach(async () => {
      [backend, calls] = [await create(), []];
      run = await rig(backend, { templates: templates(), secret });
      other = createLifecycle({ store: backend.store, clock: run.clock, templates: templates(), secret });
      await other.start();
      ({ id } = await run.acme.services.request(await run.active(), { serviceName: 'agreed' }));
      await becomes('waiting');
      for (const by of ['first', 'second']) await decide(by, 'approve');
    });
    afterEach(async () => {
      await run.stop();
      await other.stop();
      await backend.close();
    });

    const becomes = (status: string) =>
      until(async () => (await run.acme.provisioning.get(id)).runStatus === status, run.clock, 0);
    /** Half of them ask one process, half the other. */
    const decide = (actor: string, decision: 'approve' | 'reject', turn = 0) =>
      (turn % 2 === 0 ? run.module : other)
        .scope({ tenantId: 'acme', actor })
        .provisioning.decide(id, { step: 'boss', decision });
    const race = async (make: (racer: number) => Promise<unknown>) => {
      const made = await Promise.allSettled(racers.map(make));
      const codes = made.map((each) => (each.status === 'fulfilled' ? 'won' : (each.reason as { code?: string }).code));
      return { winner: codes.indexOf('won'), codes: codes.sort() };
    };
    const lost = (code: string) => [...racers.slice(1).map(() => code), 'won'].sort();
    const decisions = async () => {
      const { items } = await run.acme.feed.history((await run.acme.provisioning.get(id)).customerId, {
        types: ['service.step_decided'],
      });
      return items.length;
    };
    const approvers = async () => {
      const stored = await backend.store.tenant('acme').runs.get(id);
      const output = stored?.steps[0]?.output as { approvedBy: { by: string }[] } | null;
      return output?.approvedBy.map(({ by }) => by).sort();
    };

    it('gives its last place to one of fifty who race for it, and goes on once', async () => {
      const { winner, codes } = await race((racer) => decide(`racer:${racer}`, 'approve', racer));
      expect(codes).toEqual(lost('STEP_NOT_DECIDABLE'));
      await becomes('completed');
      expect(await approvers()).toEqual(['first', `racer:${winner}`, 'second']);
      expect([calls, await decisions()]).toEqual([['port'], 3]);
    });

    it('counts who approves fifty times at once as one', async () => {
      const undecided = await run.acme.services.request((await run.acme.provisioning.get(id)).customerId, {
        serviceName: 'agreed',
      });
      id = undecided.id;
      await becomes('waiting');
      const { codes } = await race((racer) => decide('eager', 'approve', racer));
      expect(codes).toEqual(lost('DECISION_MADE'));
      await decide('another', 'approve');
      const said = await backend.store.tenant('acme').signals.list(id, 'boss');
      expect(said.map(({ by }) => by).sort()).toEqual(['another', 'eager']);
      expect([(await run.acme.provisioning.get(id)).runStatus, calls]).toEqual(['waiting', []]);
    });

    it('is decided by the first, where half of them approve and half reject', async () => {
      const { winner, codes } = await race((racer) =>
        decide(`racer:${racer}`, racer % 3 === 0 ? 'reject' : 'approve', racer),
      );
      expect(codes).toEqual(lost('STEP_NOT_DECIDABLE'));
      const isRejected = winner % 3 === 0;
      await becomes(isRejected ? 'failed' : 'completed');
      expect(calls).toEqual(isRejected ? [] : ['port']);
    });
  });
