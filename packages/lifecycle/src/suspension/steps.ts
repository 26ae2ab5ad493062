import type { ScopeIdentity } from '@dotmac/core';
import { readDraft } from '@dotmac/core/contract';
import type { LifecycleContext } from '../context.js';
import type { Block, Customer } from '../customers/customer.js';
import type { DecideAtOnce, Decision, StepAtOnce } from '../customers/step.js';
import { destination, type Transition } from '../customers/transitions.js';
import { ownTimer } from '../timers/own-names.js';
import { without } from './blocks.js';
import { checkPromise, endPromises, readPromise, readPromiseEnd, withoutPromise, withPromise } from './promise.js';
import { reasonFor, reasonsToLift, reasonToOpen } from './reasons.js';
import {
  reactivationInput,
  suspensionInput,
  type PromiseDraft,
  type PromiseEndDraft,
  type ReactivationDraft,
  type SuspensionDraft,
} from './suspension.js';

const promiseTimer = (reason: string): string => ownTimer('promise', reason);

/** The steps of the commands on reasons; each reads its draft at once. @throws INVALID_INPUT */
export function suspensionSteps({ checklist }: Pick<LifecycleContext, 'checklist'>, { actor }: ScopeIdentity) {
  const suspend = (draft: SuspensionDraft): StepAtOnce => {
    const { actionType, severity, reason: note, parameters } = readDraft(suspensionInput, draft);
    const input = { reason: reasonToOpen(actionType), note, parameters };
    const block = { ...input, severity, promisedUntil: null, openedBy: actor };
    return {
      command: severity === 'throttle' ? 'throttle' : 'suspend',
      input,
      // Asked for with one severity under a key, it is not done with another as well.
      ...(severity === 'throttle' && { once: { command: 'suspend', input: { ...input, severity } } }),
      facts: () => ({ reason: input.reason }),
      decide: (customer, transition, { at }) => opened(customer, transition, { ...block, openedAt: at }),
    };
  };

  return {
    suspend,
    throttle: (draft: SuspensionDraft): StepAtOnce => suspend({ ...draft, severity: 'throttle' }),
    reactivate(draft: ReactivationDraft): StepAtOnce {
      const { actionType, reason: note, parameters } = readDraft(reactivationInput, draft);
      const input = { reason: reasonFor(actionType), note, parameters };
      const decide: DecideAtOnce = (customer, transition) => {
        const lifted = reasonsToLift(customer, actionType, checklist);
        const blocks = without(customer.blocks, lifted);
        const stage = destination(transition, blocks);
        const openReasons = blocks.map(({ reason }) => reason);
        const data = { from: customer.stage, to: stage, ...input, openReasons, lifted };
        const isBack = customer.stage === 'suspended' && stage === 'active';
        const event = { name: isBack ? 'customer.reactivated' : 'customer.suspension_lifted', data } as const;
        return { patch: { blocks, stage }, event, timers: endPromises(customer.blocks, lifted, promiseTimer) };
      };
      return { command: 'reactivate', input, decide };
    },
    promise(draft: PromiseDraft): StepAtOnce {
      const input = readPromise(draft);
      const { reason, until, note } = input;
      const decide: DecideAtOnce = (customer, transition, { at }) => {
        checkPromise(input, at);
        const blocks = withPromise(customer.blocks, input);
        const stage = destination(transition, blocks);
        const data = { from: customer.stage, to: stage, reason, until, note };
        const due = { dueAt: until, command: 'endPromise', input: { actionType: reason }, anchorAt: at } as const;
        return {
          patch: { blocks, stage },
          event: { name: 'customer.promised', data },
          timers: [{ set: { name: promiseTimer(reason), ...due } }],
        };
      };
      return { command: 'promise', input, facts: () => ({ reason }), decide };
    },
    endPromise(draft: PromiseEndDraft): StepAtOnce {
      const reason = readPromiseEnd(draft);
      const decide: DecideAtOnce = (customer, transition) => {
        const { blocks, ended: reasons } = withoutPromise(customer.blocks, reason);
        const stage = destination(transition, blocks);
        const event = { name: 'customer.promise_ended', data: { from: customer.stage, to: stage, reasons } } as const;
        return { patch: { blocks, stage }, event, timers: reasons.map((each) => ({ clear: promiseTimer(each) })) };
      };
      const facts = () => (reason === undefined ? {} : { reason });
      return { command: 'endPromise', input: { reason: reason ?? null }, facts, decide };
    },
  };
}

function opened(customer: Customer, { to }: Transition, block: Block): Decision {
  const { reason, note, parameters, severity } = block;
  // The same reason, opened to throttle before, takes the higher severity.
  const blocks = [...without(customer.blocks, [reason]), block];
  const openReasons = blocks.map((each) => each.reason);
  const data = { from: customer.stage, to, reason, note, parameters, openReasons };
  const name =
    severity === 'throttle'
      ? 'customer.throttled'
      : customer.stage === 'suspended'
        ? 'customer.suspension_added'
        : 'customer.suspended';
  return { patch: { blocks }, event: { name, data }, timers: endPromises(customer.blocks, [reason], promiseTimer) };
}
