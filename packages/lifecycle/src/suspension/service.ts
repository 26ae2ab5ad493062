import type { ScopeIdentity } from '@dotmac/core';
import { invalidInput, readDraft } from '@dotmac/core/contract';
import type { LifecycleContext } from '../context.js';
import type { Block, Customer, CustomerView } from '../customers/customer.js';
import { viewOf } from '../customers/next-actions.js';
import { perform, type CommandOptions, type Decide, type Decision, type Step } from '../customers/perform.js';
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

/** Suspends and reactivates one tenant's customers. Each reason is opened and lifted by itself; services follow. */
export interface SuspensionService {
  /**
   * Opens a reason. One that throttles leaves the customer its stage; the same reason may be opened again to suspend.
   * @throws CUSTOMER_NOT_FOUND, ILLEGAL_TRANSITION (also when this reason is open already)
   */
  suspend(customerId: string, draft: SuspensionDraft, options?: CommandOptions): Promise<CustomerView>;
  /** Opens a reason with the severity `throttle`. @throws CUSTOMER_NOT_FOUND, ILLEGAL_TRANSITION */
  throttle(customerId: string, draft: SuspensionDraft, options?: CommandOptions): Promise<CustomerView>;
  /**
   * Lifts a reason; the customer is active again once none is left that suspends.
   * @throws CUSTOMER_NOT_FOUND, ILLEGAL_TRANSITION (also when this reason is not open)
   */
  reactivate(customerId: string, draft: ReactivationDraft, options?: CommandOptions): Promise<CustomerView>;
  /**
   * Leaves an open reason without effect until a time, at which it takes effect again, unless it was lifted by then.
   * @throws CUSTOMER_NOT_FOUND, ILLEGAL_TRANSITION (also when this reason is not open), INVALID_INPUT
   */
  promise(customerId: string, draft: PromiseDraft, options?: CommandOptions): Promise<CustomerView>;
  /** Ends a promise, or all of them, before its time. @throws CUSTOMER_NOT_FOUND, ILLEGAL_TRANSITION */
  endPromise(customerId: string, draft?: PromiseEndDraft, options?: CommandOptions): Promise<CustomerView>;
}

interface Given {
  reason: string;
  note: string | null;
  parameters: Record<string, unknown>;
}

const longestPromiseMs = 90 * 24 * 3_600_000;
const promiseTimer = (reason: string): string => `promise:${reason}`;

/** The suspensions of one scope. */
export function suspensionService(context: LifecycleContext, identity: ScopeIdentity): SuspensionService {
  const { clock, checklist } = context;
  const command = async (customerId: string, step: Step, options?: CommandOptions): Promise<CustomerView> =>
    viewOf(await perform(context, identity, customerId, [step], options), checklist, clock.now());

  const suspend = (customerId: string, draft: SuspensionDraft, options?: CommandOptions): Promise<CustomerView> => {
    const { actionType, severity, reason: note, parameters } = readDraft(suspensionInput, draft);
    if (actionType === everyReason)
      throw invalidInput([{ path: 'action_type', message: `"${everyReason}" names every reason, and none` }]);
    const input = { reason: reasonFor(actionType), note, parameters };
    const block = { ...input, severity, promisedUntil: null, openedBy: identity.actor };
    const decide: Decide = (customer, transition, { at }) => opened(customer, transition, { ...block, openedAt: at });
    const facts = () => ({ reason: input.reason });
    return command(
      customerId,
      { command: severity === 'throttle' ? 'throttle' : 'suspend', input, facts, decide },
      options,
    );
  };

  return {
    suspend: async (...given) => suspend(...given),
    throttle: async (customerId, draft, options) => suspend(customerId, { ...draft, severity: 'throttle' }, options),
    async reactivate(customerId, draft, options) {
      const { actionType, reason: note, parameters } = readDraft(reactivationInput, draft);
      const input: Given = { reason: reasonFor(actionType), note, parameters };
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
      return command(customerId, { command: 'reactivate', input, decide }, options);
    },
    async promise(customerId, draft, options) {
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
      const input = { reason, until, note };
      return command(customerId, { command: 'promise', input, facts: () => ({ reason }), decide }, options);
    },
    async endPromise(customerId, draft = {}, options) {
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
      const input = { reason: reason ?? null };
      return command(customerId, { command: 'endPromise', input, facts, decide }, options);
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
