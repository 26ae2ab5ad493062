import { z } from 'zod';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { defineErrors } from '@dotmac/core';
import { createLifecycle } from '../../src/lifecycle.js';
import type { ServiceStep } from '../../src/provisioning/definition.js';
import { defineServiceTemplate } from '../../src/provisioning/template.js';
import type { LifecycleScope } from '../../src/scope.js';
import type { OperationName } from '../../src/services/operation.js';
import { backends, type Backend } from '../support/backends.js';
import { withBoundaries, type AtBoundary } from '../support/boundaries.js';
import { expectFolded } from '../support/folded.js';
import { rig, until, type Rig } from '../support/lifecycle.js';

const vendor = defineErrors({
  NO_ROUTE: { kind: 'conflict', message: (_: Record<never, never>) => 'There is no route to the device.' },
});

/** What is cancelled, and how it ends: that of the run, and that of the service. */
interface Subject {
  title: string;
  operation: OperationName;
  /** What the service is given before. */
  given?: (scope: LifecycleScope, customerId: string, serviceId: string) => Promise<unknown>;
  ask: (scope: LifecycleScope, customerId: string, serviceId: string) => Promise<unknown>;
  leaves: object;
  /** What is called last. */
  last: string;
}

const onlyAbuse = { actionType: 'abuse' };
const slowed = { actionType: 'late', severity: 'throttle' } as const;
const full = { status: 'active', access: 'full', openReasons: [], sparedReasons: [], isKept: false };
const shut = { status: 'suspended', access: 'suspended', openReasons: ['resume_cancelled'], sparedReasons: [] };

const subjects: readonly Subject[] = [
  {
    title: 'setting up',
    operation: 'provision',
    ask: () => Promise.resolve(),
    leaves: { status: 'failed', access: 'none' },
    last: '-provision first',
  },
  {
    title: 'changing the plan',
    operation: 'change_plan',
    ask: ({ services }, _, id) => services.changePlan(id, { customConfig: {} }),
    leaves: full,
    last: '-change_plan first',
  },
  {
    title: 'suspending for a reason of its own',
    operation: 'suspend',
    ask: ({ services }, _, id) => services.suspend(id, onlyAbuse),
    leaves: full,
    last: 'resume',
  },
  {
    title: 'suspending for a reason of its customer',
    operation: 'suspend',
    ask: ({ suspension }, customerId) => suspension.suspend(customerId, onlyAbuse),
    leaves: { ...full, sparedReasons: ['abuse'] },
    last: 'resume',
  },
  {
    title: 'suspending what is slowed down',
    operation: 'suspend',
    given: ({ services }, _, id) => services.suspend(id, slowed),
    ask: ({ services }, _, id) => services.suspend(id, onlyAbuse),
    leaves: { ...full, access: 'throttled', openReasons: ['late'] },
    last: 'throttle',
  },
  {
    title: 'slowing down for a reason of its customer',
    operation: 'throttle',
    ask: ({ suspension }, customerId) => suspension.suspend(customerId, slowed),
    leaves: { ...full, sparedReasons: ['late'] },
    last: 'resume',
  },
  {
    title: 'starting again',
    operation: 'resume',
    given: ({ services }, _, id) => services.suspend(id, onlyAbuse),
    ask: ({ services }, _, id) => services.resume(id, onlyAbuse),
    leaves: shut,
    last: 'suspend',
  },
  {
    title: 'starting again what its customer was suspended for',
    operation: 'resume',
    given: ({ suspension }, customerId) => suspension.suspend(customerId, onlyAbuse),
    ask: ({ suspension }, customerId) => suspension.reactivate(customerId, onlyAbuse),
    leaves: shut,
    last: 'suspend',
  },
  {
    title: 'speeding up again',
    operation: 'resume',
    given: ({ services }, _, id) => services.suspend(id, slowed),
    ask: ({ services }, _, id) => services.resume(id, { actionType: 'late' }),
    leaves: { status: 'active', access: 'throttled', openReasons: ['resume_cancelled'] },
    last: 'throttle',
  },
  {
    title: 'taking down',
    operation: 'deprovision',
    ask: ({ services }, _, id) => services.terminate(id),
    leaves: full,
    last: '-deprovision first',
  },
  {
    title: 'taking down for a customer who left',
    operation: 'deprovision',
    ask: ({ customers }, customerId) => customers.deactivate(customerId),
    leaves: { ...full, isKept: true },
    last: '-deprovision first',
  },
];

/** Where it is when it is cancelled. What undoes a failure by itself is never stuck on its way ahead. */
const moments = ['pending', 'mid-step', 'waiting', 'retrying', 'stuck', 'ending', 'ended but for saying so'] as const;
type Moment = (typeof moments)[number];
const undoesFailures: ReadonlySet<OperationName> = new Set(['provision', 'change_plan']);
const cases = subjects.flatMap((subject) =>
  moments
    .filter((moment) => moment !== 'stuck' || !undoesFailures.has(subject.operation))
    .map((moment): [string, Moment, Subject] => [subject.title, moment, subject]),
);

for (const { title, present, create } of backends)
  describe.skipIf(!present)(`every run can be cancelled at any moment, on ${title}`, () => {
    let backend: Backend;
    let run: Rig;
    /** Another process: nothing of this one's is cut short by it. */
    let elsewhere: LifecycleScope;
    let calls: string[];
    /** What comes of a call in the run that is cancelled: it hangs, fails, fails for good, or is cancelled meanwhile. */
    let within: Record<string, (signal: AbortSignal) => Promise<void>>;
    let at: AtBoundary;
    let subject: Subject;

    const call = async (name: string, signal: AbortSignal): Promise<void> => {
      calls.push(name);
      await within[name]?.(signal);
    };
    const step = (key: string, name: string): ServiceStep => ({
      key,
      retry: { attempts: 2, firstBackoffMs: 5_000 },
      run: ({ signal }) => call(name, signal),
      compensate: ({ signal }) => call(`-${name}`, signal),
    });
    const stepsOf = (operation: OperationName, slow: OperationName): ServiceStep[] =>
      operation === slow
        ? [step('first', `${operation} first`), { key: 'boss', approval: {} }, step('last', `${operation} last`)]
        : [step('only', operation)];
    const templates = (['provision', 'suspend', 'throttle', 'resume', 'change_plan', 'deprovision'] as const).map(
      (slow) =>
        defineServiceTemplate({
          name: slow,
          config: z.object({}),
          steps: stepsOf('provision', slow),
          operations: Object.fromEntries(
            (['suspend', 'throttle', 'resume', 'change_plan', 'deprovision'] as const).map((each) => [
              each,
              stepsOf(each, slow),
            ]),
          ),
        }),
    );

    beforeEach(async () => {
      [backend, calls, within, at] = [await create(), [], {}, () => undefined];
      const store = withBoundaries(backend.store, (boundary) => at(boundary));
      run = await rig({ ...backend, store }, { templates });
      elsewhere = createLifecycle({ store: backend.store, clock: run.clock, templates }).scope({ tenantId: 'acme' });
    });
    afterEach(async () => {
      await run.stop();
      await backend.close();
    });

    const shown = (serviceId: string) => elsewhere.services.get(serviceId);
    const idle = (serviceId: string) => until(async () => (await shown(serviceId)).openRunId === null, run.clock);
    const approve = (requestId: string) =>
      elsewhere.provisioning.decide(requestId, { step: 'boss', decision: 'approve' });
    /** A run is where the moment says, and is cancelled there; what approves it on the way, and what follows, goes on. */
    const cancelled = async (requestId: string, moment: Moment): Promise<void> => {
      const [first, last] = [`${subject.operation} first`, `${subject.operation} last`];
      const calledUp = (name: string) => until(() => calls.includes(name), run.clock);
      const stepIs = (key: string, status: string) =>
        until(async () => {
          const { steps } = await elsewhere.provisioning.get(requestId);
          return steps.some(({ name, status: now }) => name === key && now === status);
        }, run.clock);
      const cancel = () => elsewhere.provisioning.cancel(requestId);
      if (moment === 'pending') {
        await cancel();
        return run.module.start();
      }
      if (moment === 'mid-step')
        within[first] = (signal) =>
          new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
      if (moment === 'retrying') within[first] = () => Promise.reject(new Error('the line is busy'));
      if (moment === 'stuck') within[first] = () => Promise.reject(vendor.NO_ROUTE({}));
      if (moment === 'ending') within[last] = async () => void (await cancel());
      if (moment === 'ended but for saying so') {
        let isDone = false;
        at = async (boundary) => {
          // The worker has let go of the step, and has not said that it was the last one.
          if (isDone || calls.at(-1) !== last || !/^before (change|commit)$/.test(boundary)) return;
          isDone = true;
          await cancel();
        };
      }
      await run.module.start();
      if (moment === 'mid-step') await calledUp(first);
      if (moment === 'retrying') await stepIs('first', 'failed');
      if (moment === 'stuck')
        await until(async () => (await shown(serviceOf(requestId))).status === 'stuck', run.clock);
      if (moment === 'waiting' || moment.startsWith('end')) await stepIs('boss', 'waiting');
      if (moment.startsWith('end')) {
        await approve(requestId);
        await until(async () => (await elsewhere.provisioning.get(requestId)).cancelRequestedAt !== null, run.clock);
      } else {
        expect((await elsewhere.provisioning.explain(requestId))[0]).toMatchObject({
          command: 'cancel',
          allowed: true,
        });
        await run.acme.provisioning.cancel(requestId);
      }
    };
    let serviceOf: (requestId: string) => string;

    it.each(cases)('%s, %s', async (_, moment, of) => {
      subject = of;
      const customerId = await run.active();
      if (subject.operation === 'provision') await run.stop();
      const { id } = await run.acme.services.request(customerId, { serviceName: subject.operation });
      serviceOf = () => id;
      if (subject.operation !== 'provision') {
        await idle(id);
        await subject.given?.(run.acme, customerId, id);
        await idle(id);
        await run.stop();
        calls.length = 0;
        await subject.ask(elsewhere, customerId, id);
      }
      const requestId = (await shown(id)).openRunId ?? expect.unreachable();
      await cancelled(requestId, moment);
      // Asked for again, in whatever it comes to: nothing more changes by that.
      const again = await elsewhere.provisioning.cancel(requestId).then(
        () => 'as the first time',
        (error: { code?: string }) => error.code,
      );
      expect(['as the first time', 'RUN_NOT_OPEN']).toContain(again);
      await until(async () => {
        const now = await shown(id);
        if (now.openRunId === null || now.openRunId === requestId) return now.openRunId === null;
        // What follows may have to be approved as well.
        const { runStatus } = await elsewhere.provisioning.get(now.openRunId);
        if (runStatus === 'waiting') await approve(now.openRunId).catch(() => undefined);
        return false;
      }, run.clock);
      expect(await shown(id)).toMatchObject(subject.leaves);
      const { runStatus, cancelRequestedAt } = await elsewhere.provisioning.get(requestId);
      expect(cancelRequestedAt).not.toBeNull();
      const isLate = moment.startsWith('end') && ['suspend', 'throttle', 'resume'].includes(subject.operation);
      expect(runStatus).toBe(isLate ? 'completed' : 'cancelled');
      if (moment !== 'pending') expect(calls.at(-1)).toBe(subject.last);
      await expectFolded(backend.store, customerId);
      await run.stop();
      const { items } = await backend.store.tenant('acme').services.list({ customerId, limit: 9 });
      expect(items.map(({ terminateRequestedAt }) => terminateRequestedAt)).toEqual([null]);
    });
  });
