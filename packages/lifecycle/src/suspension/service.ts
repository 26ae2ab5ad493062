import type { ScopeIdentity } from '@dotmac/core';
import { invalidInput, readDraft } from '@dotmac/core/contract';
import type { LifecycleContext } from '../context.js';
import type { Customer, CustomerView } from '../customers/customer.js';
import { viewOf } from '../customers/next-actions.js';
import { perform, type CommandOptions, type Decision, type Step } from '../customers/perform.js';
import { everyReason, reasonFor, reasonsToLift, without } from './reasons.js';
import { suspensionInput, type SuspensionDraft } from './suspension.js';

/** Suspends and reactivates one tenant's customers. Each reason is opened and lifted by itself. */
export interface SuspensionService {
  /** Opens a reason. @throws CUSTOMER_NOT_FOUND, ILLEGAL_TRANSITION (also when this reason is open already) */
  suspend(customerId: string, draft: SuspensionDraft, options?: CommandOptions): Promise<CustomerView>;
  /**
   * Lifts a reason; the customer is active again once none is left.
   * @throws CUSTOMER_NOT_FOUND, ILLEGAL_TRANSITION (also when this reason is not open)
   */
  reactivate(customerId: string, draft: SuspensionDraft, options?: CommandOptions): Promise<CustomerView>;
}

interface Given {
  reason: string;
  note: string | null;
  parameters: Record<string, unknown>;
}

/** The suspensions of one scope. */
export function suspensionService(context: LifecycleContext, identity: ScopeIdentity): SuspensionService {
  const { clock, checklist } = context;
  const command = async (customerId: string, step: Step, options?: CommandOptions): Promise<CustomerView> =>
    viewOf(await perform(context, identity, customerId, [step], options), checklist, clock.now());
  const given = (draft: SuspensionDraft): { actionType: string; input: Given } => {
    const { actionType, reason: note, parameters } = readDraft(suspensionInput, draft);
    return { actionType, input: { reason: reasonFor(actionType), note, parameters } };
  };

  return {
    async suspend(customerId, draft, options) {
      const { actionType, input } = given(draft);
      if (actionType === everyReason)
        throw invalidInput([{ path: 'action_type', message: `"${everyReason}" names every reason, and none` }]);
      const decide: Step['decide'] = (customer, _, { at }) => suspended(customer, input, at, identity.actor);
      return command(
        customerId,
        { command: 'suspend', input, facts: () => ({ reason: input.reason }), decide },
        options,
      );
    },
    async reactivate(customerId, draft, options) {
      const { actionType, input } = given(draft);
      const decide: Step['decide'] = (customer, { to, whileBlocked }) => {
        const lifted = reasonsToLift(customer, actionType);
        const blocks = without(customer.blocks, lifted);
        const stage = blocks.length > 0 ? (whileBlocked ?? to) : to;
        const openReasons = blocks.map(({ reason }) => reason);
        const data = { from: customer.stage, to: stage, ...input, openReasons, lifted };
        const name = blocks.length > 0 ? 'customer.suspension_lifted' : 'customer.reactivated';
        return { patch: { blocks, stage }, event: { name, data } };
      };
      return command(customerId, { command: 'reactivate', input, decide }, options);
    },
  };
}

function suspended(customer: Customer, { reason, note, parameters }: Given, at: number, by: string): Decision {
  const blocks = [...customer.blocks, { reason, note, parameters, openedAt: at, openedBy: by }];
  const openReasons = blocks.map((block) => block.reason);
  const data = { from: customer.stage, to: 'suspended' as const, reason, note, parameters, openReasons };
  const name = customer.stage === 'suspended' ? 'customer.suspension_added' : 'customer.suspended';
  return { patch: { blocks }, event: { name, data } };
}
