import fc from 'fast-check';
import { expect, it } from 'vitest';
import { fakeClock } from '@dotmac/core/testing';
import { defineDunningPolicy } from '../../src/dunning/policy.js';
import { fold, foldedRow } from '../../src/customers/fold.js';
import type { Stage } from '../../src/customers/stage.js';
import { memoryLifecycleStore } from '../../src/store/memory/index.js';
import { rig, someone, type Rig } from '../support/lifecycle.js';

/** The reference model: as little as decides what a sequence of calls must come to. */
interface Model {
  stage: Stage;
  awaiting: boolean;
  rejected: boolean;
  emailDone: boolean;
  erased: boolean;
  /** Is an invoice overdue? Dunning's reason is `a`. */
  owes: boolean;
  /** The open reasons: how hard each hits, and whether payment is promised for it. */
  reasons: ReadonlyMap<string, { suspends: boolean; promised: boolean }>;
}

const calls = [
  'approve',
  'reject',
  'verify',
  'onboard',
  'suspend a',
  'suspend b',
  'throttle a',
  'promise a',
  'endPromise a',
  'reactivate a',
  'reactivate',
  'reactivate all',
  'markChurning',
  'winBack',
  'deactivate',
  'delete',
  'restore',
  'erase',
  'owe',
  'pay',
] as const;
type Call = (typeof calls)[number];

const suspends = ({ reasons }: Model): boolean => [...reasons.values()].some((it) => it.suspends && !it.promised);
const access = (model: Model): Model => ({ ...model, stage: suspends(model) ? 'suspended' : 'active' });
/** What a change of its reasons does to a customer's stage. */
const settled = (model: Model): Model => {
  if (isServed(model) || (model.stage === 'churning' && suspends(model))) return access(model);
  return model;
};
const isServed = ({ stage }: Model): boolean => stage === 'active' || stage === 'suspended';
const without = (model: Model, lifted: readonly string[]): Model =>
  settled({ ...model, reasons: new Map([...model.reasons].filter(([key]) => !lifted.includes(key))) });
const having = (model: Model, reason: string, what: { suspends: boolean; promised: boolean }): Model => ({
  ...model,
  reasons: new Map([...[...model.reasons].filter(([key]) => key !== reason), [reason, what]]),
});

function predict(model: Model, call: Call): Model | 'refused' {
  const { stage, awaiting, rejected, emailDone, reasons } = model;
  const [verb, reason = ''] = call.split(' ');
  const open = reasons.get(reason);
  switch (verb) {
    case 'approve':
      return stage === 'registration' && awaiting ? { ...model, awaiting: false } : 'refused';
    case 'reject':
      return stage === 'registration' && awaiting
        ? { ...model, awaiting: false, rejected: true, stage: 'inactive' }
        : 'refused';
    case 'verify':
      if (awaiting || emailDone) return 'refused';
      if (stage === 'registration') return { ...model, emailDone: true, stage: 'verification' };
      // Who was deleted before, and came back.
      return stage === 'inactive' && !rejected ? { ...model, emailDone: true } : 'refused';
    case 'onboard':
      return stage === 'verification' || stage === 'onboarding' ? access(model) : 'refused';
    case 'suspend':
      return (isServed(model) || stage === 'churning') && !open?.suspends
        ? { ...having(model, reason, { suspends: true, promised: false }), stage: 'suspended' }
        : 'refused';
    case 'throttle':
      return isServed(model) && !open ? having(model, reason, { suspends: false, promised: false }) : 'refused';
    case 'promise':
      return isServed(model) && open ? access(having(model, reason, { ...open, promised: true })) : 'refused';
    case 'endPromise':
      return open?.promised && !model.erased ? settled(having(model, reason, { ...open, promised: false })) : 'refused';
    case 'reactivate': {
      if (model.erased || (stage !== 'suspended' && reasons.size === 0)) return 'refused';
      const all = [...reasons.keys()];
      const lifted = reason === 'all' || (reason === '' && all.length === 1) ? all : open ? [reason] : [];
      return lifted.length === 0 ? 'refused' : without(model, lifted);
    }
    case 'markChurning':
      return stage === 'active' ? { ...model, stage: 'churning' } : 'refused';
    case 'winBack':
      if (stage === 'churning') return { ...model, stage: 'active' };
      return stage === 'inactive' && !rejected && emailDone ? { ...model, stage: 'onboarding' } : 'refused';
    case 'deactivate':
      return stage === 'registration' || stage === 'inactive' || stage === 'deleted'
        ? 'refused'
        : { ...model, stage: 'inactive' };
    case 'restore':
      return stage === 'deleted' && !model.erased ? { ...model, stage: 'inactive' } : 'refused';
    case 'erase':
      return (stage === 'deleted' || stage === 'inactive') && !model.erased
        ? { ...model, erased: true, owes: false, stage: 'deleted' }
        : 'refused';
    case 'owe':
      return model.erased ? 'refused' : { ...model, owes: true };
    case 'pay':
      if (model.erased) return 'refused';
      return model.owes ? without({ ...model, owes: false }, ['a']) : model;
    default:
      return stage === 'deleted' ? 'refused' : { ...model, stage: 'deleted' };
  }
}

function perform({ acme, sent, clock }: Rig, id: string, call: Call): Promise<unknown> {
  const [verb, actionType = ''] = call.split(' ');
  switch (verb) {
    case 'verify':
      return acme.verification.verify(id, {
        verificationType: 'email',
        verificationToken: sent.findLast((it) => it.customerId === id)?.token ?? '?',
      });
    case 'onboard':
      return acme.onboarding.onboard(id);
    case 'suspend':
    case 'throttle':
    case 'endPromise':
      return acme.suspension[verb](id, { actionType });
    case 'promise':
      return acme.suspension.promise(id, { actionType, until: clock.now() + 3_600_000 });
    case 'erase':
      return acme.privacy.erase(id);
    case 'owe':
      return acme.dunning.overdue(id, { invoiceId: 'A' });
    case 'pay':
      return acme.dunning.paid(id);
    case 'reactivate':
      return acme.suspension.reactivate(id, { actionType: actionType || 'reactivate' });
    default:
      return acme.customers[verb as 'approve' | 'reject' | 'markChurning' | 'winBack' | 'deactivate' | 'delete'](id);
  }
}

/** Sequences that get somewhere: most begin by becoming active, so that what comes after is tried as well. */
const sequences = fc
  .tuple(fc.boolean(), fc.array(fc.constantFrom(...calls), { maxLength: 25 }))
  .map(([hasBegun, rest]): Call[] => (hasBegun ? ['approve', 'verify', 'onboard', ...rest] : rest));

/** Through the rare ones for certain. */
const everyWay: Call[] = [
  ...(['approve', 'verify', 'onboard', 'throttle a', 'suspend a', 'promise a', 'endPromise a'] as const),
  ...(['deactivate', 'delete', 'restore', 'winBack', 'onboard', 'reactivate a', 'markChurning', 'winBack'] as const),
  ...(['deactivate', 'erase', 'restore', 'erase'] as const),
];
/** Everything is paid while nobody is served, and whoever comes back is served. */
const paidTooLate: Call[] = [
  ...(['verify', 'onboard', 'throttle a', 'owe', 'markChurning', 'pay', 'winBack', 'suspend a', 'owe'] as const),
  ...(['deactivate', 'pay', 'winBack', 'onboard', 'suspend a', 'promise a', 'markChurning', 'endPromise a'] as const),
];

/** Whoever was deleted before the address was verified verifies it later; whoever nobody let in does not. */
const backBeforeVerified: Call[] = ['delete', 'restore', 'winBack', 'verify', 'verify', 'winBack', 'onboard'];

it('random sequences of commands come to what the reference model says, and leave a row that is the fold of its events', async () => {
  const clock = fakeClock();
  const store = memoryLifecycleStore({ clock });
  const dunning = defineDunningPolicy({ name: 'patient', reason: 'a', steps: [{ afterDays: 9_999, action: 'warn' }] });
  const run = await rig({ store, clock, close: () => Promise.resolve() }, { dunning: [dunning] });
  await fc.assert(
    fc.asyncProperty(fc.boolean(), sequences, async (requiresApproval, sequence) => {
      const { id } = await run.acme.customers.register({ ...someone(), requiresApproval });
      await run.token(id);
      let model: Model = {
        stage: 'registration',
        awaiting: requiresApproval,
        rejected: false,
        emailDone: false,
        erased: false,
        owes: false,
        reasons: new Map(),
      };
      for (const call of sequence) {
        clock.set(clock.now() + 7);
        const predicted = predict(model, call);
        const before = await run.acme.customers.read(id);
        if (predicted === 'refused') {
          await expect(perform(run, id, call)).rejects.toMatchObject({
            code: call === 'owe' || call === 'pay' ? 'CUSTOMER_ERASED' : 'ILLEGAL_TRANSITION',
          });
          expect(await run.acme.customers.read(id)).toEqual(before);
        } else {
          await perform(run, id, call);
          model = predicted;
        }
        const row = await run.acme.customers.read(id);
        expect(row.stage).toBe(model.stage);
        expect(row.blocks.map(({ reason }) => reason).sort()).toEqual([...model.reasons.keys()].sort());
        const history = await store.tenant('acme').history.list(id, { limit: 1_000 });
        expect(fold(history.map(({ event }) => event))).toEqual(foldedRow(row));
        expect(history.map(({ seq }) => seq)).toEqual(history.map((_, index) => index + 1));
      }
    }),
    {
      numRuns: 150,
      examples: [
        [true, everyWay],
        [false, paidTooLate],
        [false, backBeforeVerified],
        [true, backBeforeVerified],
      ],
    },
  );
  await run.stop();
});
