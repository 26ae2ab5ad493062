import type { Stage } from '../../src/customers/stage.js';
import type { ChecklistItem } from '../../src/onboarding/checklist.js';
import type { Rig } from './lifecycle.js';

/** The reference model: as little as decides what a sequence of calls must come to. */
export interface Model {
  stage: Stage;
  /** Who churns: was it active before? */
  churnsFromActive: boolean;
  awaiting: boolean;
  rejected: boolean;
  emailDone: boolean;
  phoneDone: boolean;
  /** The id that the host has for it. */
  linkedTo: string | null;
  erased: boolean;
  /** Is the only item of the checklist done? What was given in onboarding stays for who comes back. */
  signed: boolean;
  /** Is an invoice overdue? Dunning's reason is `a`. */
  owes: boolean;
  /** The open reasons: how hard each hits, and whether payment is promised for it. */
  reasons: ReadonlyMap<string, { suspends: boolean; promised: boolean }>;
}

/** What is asked of a customer. */
export const calls = [
  'approve',
  'reject',
  'verify',
  'begin',
  'tell',
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

/** What is asked besides of a customer who has a telephone. */
export const profileCalls = [
  'verify phone',
  'throttle b',
  'promise b',
  'endPromise b',
  'reactivate b',
  'rename',
  'move',
  'link one',
  'link two',
  'unlink',
] as const;
/** @see calls */
export type Call = (typeof calls)[number] | (typeof profileCalls)[number];

/** Somebody who has just registered. */
export const registered = (awaiting: boolean): Model => {
  return {
    stage: 'registration',
    churnsFromActive: false,
    awaiting,
    rejected: false,
    emailDone: false,
    phoneDone: false,
    linkedTo: null,
    signed: false,
    erased: false,
    owes: false,
    reasons: new Map(),
  };
};

const suspends = ({ reasons }: Model): boolean => [...reasons.values()].some((it) => it.suspends && !it.promised);
const access = (model: Model): Model => ({ ...model, stage: suspends(model) ? 'suspended' : 'active' });
/** What a change of its reasons does to a customer's stage. */
const settled = (model: Model): Model => {
  if (isServed(model) || (isServedYet(model) && suspends(model))) return access(model);
  return model;
};
const isServed = ({ stage }: Model): boolean => stage === 'active' || stage === 'suspended';
/** Is it churning, and served until it leaves? */
const isServedYet = ({ stage, churnsFromActive }: Model): boolean => stage === 'churning' && churnsFromActive;
const without = (model: Model, lifted: readonly string[]): Model =>
  settled({ ...model, reasons: new Map([...model.reasons].filter(([key]) => !lifted.includes(key))) });
const having = (model: Model, reason: string, what: { suspends: boolean; promised: boolean }): Model => ({
  ...model,
  reasons: new Map([...[...model.reasons].filter(([key]) => key !== reason), [reason, what]]),
});

/** Is onboarding what comes next, for who churns as well? */
const isToBeOnboarded = (model: Model): boolean =>
  model.stage === 'verification' || model.stage === 'onboarding' || (model.stage === 'churning' && !isServedYet(model));

/** Can it be approved or turned away? Also who was deleted before, and is back. */
const isDecidable = ({ awaiting, stage }: Model): boolean =>
  awaiting && (stage === 'registration' || stage === 'inactive');

/** What has to be done before a customer of the model is active. */
export const checklist: readonly ChecklistItem[] = [
  { key: 'sign', message: 'Sign.', isDone: ({ onboardingData }) => onboardingData['signed'] === true },
];

/** What a call comes to by the model. */
export function predict(model: Model, call: Call): Model | 'refused' {
  const { stage, awaiting, rejected, emailDone, phoneDone, reasons } = model;
  const [verb, reason = ''] = call.split(' ');
  const open = reasons.get(reason);
  switch (verb) {
    case 'approve':
      return isDecidable(model) ? { ...model, awaiting: false } : 'refused';
    case 'reject':
      return isDecidable(model) ? { ...model, awaiting: false, rejected: true, stage: 'inactive' } : 'refused';
    case 'verify': {
      const isDone = reason === 'phone' ? phoneDone : emailDone;
      if (isDone || stage === 'deleted') return 'refused';
      // Who was deleted before comes back to where nobody is let in without approval either.
      if ((stage === 'registration' || stage === 'inactive') && (awaiting || rejected)) return 'refused';
      const verified = { ...model, ...(reason === 'phone' ? { phoneDone: true } : { emailDone: true }) };
      return stage === 'registration' ? { ...verified, stage: 'verification' } : verified;
    }
    case 'begin':
    case 'tell':
    case 'onboard': {
      if (!isToBeOnboarded(model)) return 'refused';
      const signed = model.signed || verb === 'onboard';
      return signed ? access({ ...model, signed }) : { ...model, stage: 'onboarding' };
    }
    case 'suspend':
      return (isServed(model) || isServedYet(model)) && !open?.suspends
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
      if (stage === 'active') return { ...model, stage: 'churning', churnsFromActive: true };
      return stage !== 'churning' && isToBeOnboarded(model)
        ? { ...model, stage: 'churning', churnsFromActive: false }
        : 'refused';
    case 'winBack':
      if (stage === 'churning') return { ...model, stage: isServedYet(model) ? 'active' : 'onboarding' };
      return stage === 'inactive' && !rejected && (emailDone || phoneDone)
        ? { ...model, stage: 'onboarding' }
        : 'refused';
    case 'deactivate':
      return stage === 'registration' || stage === 'inactive' || stage === 'deleted'
        ? 'refused'
        : { ...model, stage: 'inactive' };
    case 'restore':
      return stage === 'deleted' && !model.erased ? { ...model, stage: 'inactive' } : 'refused';
    case 'erase':
      return (stage === 'deleted' || stage === 'inactive') && !model.erased
        ? { ...model, erased: true, owes: false, linkedTo: null, stage: 'deleted' }
        : 'refused';
    case 'rename':
      return model.erased ? 'refused' : model;
    case 'move':
      return model.erased ? 'refused' : { ...model, emailDone: false };
    case 'link':
      return model.erased ? 'refused' : { ...model, linkedTo: reason };
    case 'unlink':
      return model.erased ? 'refused' : { ...model, linkedTo: null };
    case 'owe':
      return model.erased ? 'refused' : { ...model, owes: true };
    case 'pay':
      if (model.erased) return 'refused';
      return model.owes ? without({ ...model, owes: false }, ['a']) : model;
    default:
      return stage === 'deleted' ? 'refused' : { ...model, stage: 'deleted' };
  }
}

/** Makes the call; payment is promised for so long. */
export function perform({ acme, sent, clock }: Rig, id: string, call: Call, promisedMs = 3_600_000): Promise<unknown> {
  const [verb, actionType = ''] = call.split(' ');
  switch (verb) {
    case 'verify': {
      const channel = actionType === 'phone' ? 'phone' : 'email';
      const last = sent.findLast((it) => it.customerId === id && it.channel === channel);
      return acme.verification.verify(id, { verificationType: channel, verificationToken: last?.token ?? '?' });
    }
    case 'begin':
      return acme.onboarding.onboard(id);
    case 'tell':
      return acme.onboarding.onboard(id, { onboardingData: { told: clock.now() } });
    case 'onboard':
      return acme.onboarding.onboard(id, { onboardingData: { signed: true } });
    case 'suspend':
    case 'throttle':
    case 'endPromise':
      return acme.suspension[verb](id, { actionType });
    case 'promise':
      return acme.suspension.promise(id, { actionType, until: clock.now() + promisedMs });
    case 'rename':
      return acme.customers.update(id, { lastName: `N${clock.now()}`, attributes: { renamed: clock.now() } });
    case 'move':
      return acme.customers.update(id, { email: `${id}-${clock.now()}@example.com` });
    case 'link':
      return acme.customers.link(id, { externalId: `${actionType} ${id}` });
    case 'unlink':
      return acme.customers.link(id, { externalId: null });
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
