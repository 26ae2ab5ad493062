import type { ScopeIdentity } from '@dotmac/core';
import { invalidInput, readDraft } from '@dotmac/core/contract';
import type { LifecycleContext } from '../context.js';
import type { Block, Customer } from '../customers/customer.js';
import type { Decide, Decision, Step } from '../customers/perform.js';
import { destination, type Transition } from '../customers/transitions.js';
import type { TimerChange } from '../timers/timer.js';
import { writtenInstant } from '../written-instant.js';
import { without } from './blocks.js';
import { everyReason, reasonFor, reasonsToLift } from './reasons.js';
import {
  promiseEndInput,
  promiseInput,
  reactivationInput,
  suspensionInput,
  type PromiseDraft,
  type PromiseEndDraft,
  type ReactivationDraft,
  type SuspensionDraft,
} from './suspension.js';

type DecidedStep = Extract<Step, { decide: Decide }>;

const longestPromiseMs = 90 * 24 * 3_600_000;
const promiseTimer = (reason: string): string => `promise:${reason}`;

/** The steps of the commands on reasons; each reads its draft at once. @throws INVALID_INPUT */
export function suspensionSteps({ clock }: Pick<LifecycleContext, 'clock'>, { actor }: ScopeIdentity) {
  const suspend = (draft: SuspensionDraft): DecidedStep => {
    const { actionType, severity, reason: note, parameters } = readDraft(suspensionInput, draft);
    if (actionType === everyReason)
      throw invalidInput([{ path: 'action_type', message: `"${everyReason}" names every reason, and none` }]);
    const input = { reason: reasonFor(actionType), note, parameters };
    const block = { ...input, severity, promisedUntil: null, openedBy: actor };
    return {
      command: severity === 'throttle' ? 'throttle' : 'suspend',
      input,
      facts: () => ({ reason: input.reason }),
      decide: (customer, transition, { at }) => opened(customer, transition, { ...block, openedAt: at }),
    };
  };

  return {
    suspend,
    throttle: (draft: SuspensionDraft): DecidedStep => suspend({ ...draft, severity: 'throttle' }),
    reactivate(draft: ReactivationDraft): DecidedStep {
      const { actionType, reason: note, parameters } = readDraft(reactivationInput, draft);
      const input = { reason: reasonFor(actionType), note, parameters };
      const decide: Decide = (customer, transition) => {
        const lifted = reasonsToLift(customer, actionType);
        const blocks = without(customer.blocks, lifted);
        const stage = destination(transition, blocks);
        const openReasons = blocks.map(({ reason }) => reason);
        const data = { from: customer.stage, to: stage, ...input, openReasons, lifted };
        const isBack = customer.stage === 'suspended' && stage === 'active';
        const event = { name: isBack ? 'customer.reactivated' : 'customer.suspension_lifted', data } as const;
        return { patch: { blocks, stage }, event, timers: endPromises(customer.blocks, lifted) };
      };
      return { command: 'reactivate', input, decide };
    },
    promise(draft: PromiseDraft): DecidedStep {
      const {
        actionType,
        until,
        reason: note,
      } = readDraft(promiseInput, { ...draft, until: writtenInstant(draft.until) });
      const reason = reasonFor(actionType);
      if (until <= clock.now() || until > clock.now() + longestPromiseMs)
        throw invalidInput([{ path: 'until', message: 'Give a time within the next 90 days' }]);
      const decide: Decide = (customer, transition, { at }) => {
        const blocks = customer.blocks.map((block) =>
          block.reason === reason ? { ...block, promisedUntil: until } : block,
        );
        const stage = destination(transition, blocks);
        const data = { from: customer.stage, to: stage, reason, until, note };
        const due = { dueAt: until, command: 'endPromise', input: { actionType: reason }, anchorAt: at } as const;
        return {
          patch: { blocks, stage },
          event: { name: 'customer.promised', data },
          timers: [{ set: { name: promiseTimer(reason), ...due } }],
        };
      };
      return { command: 'promise', input: { reason, until, note }, facts: () => ({ reason }), decide };
    },
    endPromise(draft: PromiseEndDraft): DecidedStep {
      const { actionType } = readDraft(promiseEndInput, draft);
      const reason = actionType === undefined ? undefined : reasonFor(actionType);
      const decide: Decide = (customer, transition) => {
        const ends = (block: Block): boolean =>
          block.promisedUntil !== null && (reason === undefined || block.reason === reason);
        const blocks = customer.blocks.map((block) => (ends(block) ? { ...block, promisedUntil: null } : block));
        const reasons = customer.blocks.filter(ends).map((block) => block.reason);
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
  return { patch: { blocks }, event: { name, data }, timers: endPromises(customer.blocks, [reason]) };
}

/** A promise and its timer come and go together. */
function endPromises(blocks: readonly Block[], reasons: readonly string[]): TimerChange[] {
  const promised = blocks.filter(({ reason, promisedUntil }) => promisedUntil !== null && reasons.includes(reason));
  return promised.map(({ reason }) => ({ clear: promiseTimer(reason) }));
}
