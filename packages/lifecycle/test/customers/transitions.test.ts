import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Customer } from '../../src/customers/customer.js';
import { fold } from '../../src/customers/fold.js';
import { stages, type Stage } from '../../src/customers/stage.js';
import { commands, legalCommands, transitionFor, transitions, type Command } from '../../src/customers/transitions.js';
import { memoryLifecycleStore } from '../../src/store/memory/index.js';
import { fakeClock } from '@dotmac/core/testing';
import { rig, someone, type Rig } from '../support/lifecycle.js';

const willing: Customer = {
  id: 'c',
  tenantId: 't',
  version: 1,
  stage: 'registration',
  approval: 'approved',
  username: 'u',
  email: 'e',
  firstName: 'f',
  lastName: 'l',
  userType: 'x',
  phone: null,
  registrationSource: 'api',
  referralCode: null,
  termsAcceptedAt: 0,
  marketingConsent: false,
  attributes: {},
  onboardingData: {},
  blocks: [],
  emailVerifiedAt: null,
  phoneVerifiedAt: null,
  createdAt: 0,
  updatedAt: 0,
};

/** What the table must say, written the other way round: by command, the stages it is legal in and where it leads. */
const expected: Record<Command, Partial<Record<Stage, Stage>>> = {
  approve: { registration: 'registration' },
  reject: { registration: 'inactive' },
  verify: { registration: 'verification', verification: 'verification', onboarding: 'onboarding', active: 'active' },
  startOnboarding: { verification: 'onboarding' },
  progressOnboarding: { onboarding: 'onboarding' },
  completeOnboarding: { onboarding: 'active' },
  requestService: { active: 'active' },
  suspend: { active: 'suspended', suspended: 'suspended' },
  reactivate: { suspended: 'active' },
  markChurning: { active: 'churning' },
  deactivate: {
    verification: 'inactive',
    onboarding: 'inactive',
    active: 'inactive',
    suspended: 'inactive',
    churning: 'inactive',
  },
  delete: {
    registration: 'deleted',
    verification: 'deleted',
    onboarding: 'deleted',
    active: 'deleted',
    suspended: 'deleted',
    churning: 'deleted',
    inactive: 'deleted',
  },
};

describe('the table of transitions', () => {
  for (const stage of stages)
    for (const command of commands) {
      const to = expected[command][stage];
      it(`${to ? `leads from ${stage} to ${to} by` : `refuses in ${stage}`} ${command}`, () => {
        const approval = command === 'approve' || command === 'reject' ? 'pending' : 'approved';
        const customer = { ...willing, stage, approval } as const;
        if (to) return expect(transitionFor(customer, command).to).toBe(to);
        expect(() => transitionFor(customer, command)).toThrow(
          expect.objectContaining({
            code: 'ILLEGAL_TRANSITION',
            details: { stage, command, legal: legalCommands(stage) },
          }),
        );
      });
    }

  it.each([
    ['approve', { approval: 'approved' }, {}],
    ['verify', { approval: 'pending' }, { channel: 'email' }],
    ['verify', { emailVerifiedAt: 1 }, { channel: 'email' }],
    ['verify', { emailVerifiedAt: null, phoneVerifiedAt: 1 }, { channel: 'phone' }],
    ['completeOnboarding', { stage: 'onboarding' }, { missing: ['contract'] }],
    ['suspend', { stage: 'active', blocks: [{ reason: 'abuse' }] }, { reason: 'abuse' }],
  ] as const)('refuses %s when its guard does, with a reason', (command, state, facts) => {
    const customer = { ...willing, ...state } as unknown as Customer;
    expect(() => transitionFor(customer, command, facts as object)).toThrow(
      expect.objectContaining({ details: expect.objectContaining({ reason: expect.any(String) }) }),
    );
  });

  it('leaves no stage but the last without a way out', () => {
    expect(stages.filter((stage) => Object.keys(transitions[stage]).length === 0)).toEqual(['deleted']);
  });
});

/** The reference model: as little as decides what a sequence of calls must come to. */
interface Model {
  stage: Stage;
  awaiting: boolean;
  emailDone: boolean;
  reasons: Set<string>;
}

type Call =
  | 'approve'
  | 'reject'
  | 'verify'
  | 'onboard'
  | 'suspend a'
  | 'suspend b'
  | 'reactivate a'
  | 'reactivate'
  | 'reactivate all'
  | 'markChurning'
  | 'deactivate'
  | 'delete';
const calls: Call[] = [
  'approve',
  'reject',
  'verify',
  'onboard',
  'suspend a',
  'suspend b',
  'reactivate a',
  'reactivate',
  'reactivate all',
  'markChurning',
  'deactivate',
  'delete',
];

function predict(model: Model, call: Call): Model | 'refused' {
  const { stage, awaiting, emailDone, reasons } = model;
  const isLiving = stage !== 'registration' && stage !== 'inactive' && stage !== 'deleted';
  const [verb, reason = ''] = call.split(' ');
  switch (verb) {
    case 'approve':
      return stage === 'registration' && awaiting ? { ...model, awaiting: false } : 'refused';
    case 'reject':
      return stage === 'registration' && awaiting ? { ...model, awaiting: false, stage: 'inactive' } : 'refused';
    case 'verify':
      return stage === 'registration' && !awaiting && !emailDone
        ? { ...model, emailDone: true, stage: 'verification' }
        : 'refused';
    case 'onboard':
      return stage === 'verification' ? { ...model, stage: 'active' } : 'refused';
    case 'suspend':
      return (stage === 'active' || stage === 'suspended') && !reasons.has(reason)
        ? { ...model, stage: 'suspended', reasons: new Set([...reasons, reason]) }
        : 'refused';
    case 'reactivate': {
      if (stage !== 'suspended') return 'refused';
      const lifted =
        reason === 'all'
          ? [...reasons]
          : reason
            ? reasons.has(reason)
              ? [reason]
              : []
            : reasons.size === 1
              ? [...reasons]
              : [];
      const left = new Set([...reasons].filter((it) => !lifted.includes(it)));
      return lifted.length === 0
        ? 'refused'
        : { ...model, reasons: left, stage: left.size > 0 ? 'suspended' : 'active' };
    }
    case 'markChurning':
      return stage === 'active' || stage === 'suspended' ? { ...model, stage: 'churning' } : 'refused';
    case 'deactivate':
      return isLiving ? { ...model, stage: 'inactive' } : 'refused';
    default:
      return stage === 'deleted' ? 'refused' : { ...model, stage: 'deleted' };
  }
}

function perform({ acme, sent }: Rig, id: string, call: Call): Promise<{ lifecycleStage: Stage }> {
  const [verb, reason] = call.split(' ');
  switch (verb) {
    case 'verify':
      return acme.verification.verify(id, {
        verificationType: 'email',
        verificationToken: sent.findLast((it) => it.customerId === id)?.token ?? '?',
      });
    case 'onboard':
      return acme.onboarding.onboard(id);
    case 'suspend':
      return acme.suspension.suspend(id, { actionType: reason ?? '' });
    case 'reactivate':
      return acme.suspension.reactivate(id, { actionType: reason ?? 'reactivate' });
    default:
      return acme.customers[verb as 'approve' | 'reject' | 'markChurning' | 'deactivate' | 'delete'](id);
  }
}

describe('random sequences of commands', () => {
  it('come to what the reference model says, and leave a row that is the fold of its events', async () => {
    const clock = fakeClock();
    const store = memoryLifecycleStore({ clock });
    const run = await rig({ store, clock, close: () => Promise.resolve() });
    await fc.assert(
      fc.asyncProperty(
        fc.boolean(),
        fc.array(fc.constantFrom(...calls), { maxLength: 25 }),
        async (requiresApproval, sequence) => {
          const { id } = await run.acme.customers.register({ ...someone(), requiresApproval });
          await run.token(id);
          let model: Model = {
            stage: 'registration',
            awaiting: requiresApproval,
            emailDone: false,
            reasons: new Set(),
          };
          for (const call of sequence) {
            clock.set(clock.now() + 7);
            const predicted = predict(model, call);
            const before = await run.acme.customers.read(id);
            if (predicted === 'refused') {
              await expect(perform(run, id, call)).rejects.toMatchObject({ code: 'ILLEGAL_TRANSITION' });
              expect(await run.acme.customers.read(id)).toEqual(before);
            } else {
              expect((await perform(run, id, call)).lifecycleStage).toBe(predicted.stage);
              model = predicted;
            }
            const row = await run.acme.customers.read(id);
            const history = await store.tenant('acme').history.list(id, { limit: 1_000 });
            const { version, stage, approval, emailVerifiedAt, phoneVerifiedAt, createdAt, updatedAt, blocks } = row;
            const openReasons = blocks.map(({ reason }) => reason);
            expect(fold(history.map(({ event }) => event))).toEqual({
              version,
              stage,
              approval,
              emailVerifiedAt,
              phoneVerifiedAt,
              createdAt,
              updatedAt,
              openReasons,
            });
            expect(history.map(({ seq }) => seq)).toEqual(history.map((_, index) => index + 1));
          }
        },
      ),
      { numRuns: 60 },
    );
    await run.stop();
  });
});
