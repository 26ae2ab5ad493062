import { freeForm, instant, printable } from '@dotmac/core/contract';
import { z } from 'zod';
import type { Customer } from '../customers/customer.js';
import { instantAfter } from '../instant-after.js';
import type { Timer } from '../timers/timer.js';
import { heldBy } from './held.js';
import type { DunningPolicy } from './policy.js';

/** An invoice that is not paid. */
export interface OverdueInvoice {
  invoiceId: string;
  /** Epoch ms. */
  overdueSince: number;
  /** Facts of the host’s own, e.g. the amount. */
  facts: Record<string, unknown>;
}

/** A customer who does not pay, as it is kept until everything is paid. */
export interface DunningCase {
  customerId: string;
  policy: string;
  invoices: readonly OverdueInvoice[];
  /** How many steps were taken, or could not be. None is taken twice, and none is passed over. */
  stepsTaken: number;
  lastStepAt: number | null;
  openedAt: number;
}

const dayMs = 24 * 3_600_000;

/** When the next step is due (epoch ms), counted from the oldest unpaid invoice; undefined after the last one. */
export function nextStepAt(
  { steps, leastGapHours }: Pick<DunningPolicy, 'steps' | 'leastGapHours'>,
  { invoices, stepsTaken, lastStepAt }: Pick<DunningCase, 'invoices' | 'stepsTaken' | 'lastStepAt'>,
): number | undefined {
  const step = steps[stepsTaken];
  if (!step || invoices.length === 0) return undefined;
  const anchor = anchorOf(invoices);
  const due = instantAfter(anchor, step.afterDays * dayMs);
  return lastStepAt === null ? due : Math.max(due, instantAfter(lastStepAt, leastGapHours * 3_600_000));
}

/** Since when the oldest of the invoices is overdue. */
export function anchorOf(invoices: readonly OverdueInvoice[]): number {
  return Math.min(...invoices.map(({ overdueSince }) => overdueSince));
}

const invoiceId = printable.trim().min(1).max(200);
const policy = z.string().min(1).max(50).optional().meta({ description: 'Default: the first policy' });

/** What an invoice that became overdue says. */
export const overdueInput = z
  .object({
    invoiceId,
    overdueSince: instant.optional().meta({ description: 'Default: now' }),
    facts: freeForm
      .refine((facts) => JSON.stringify(facts).length <= 2_048, 'At most 2048 characters of JSON')
      .default({})
      .meta({ description: 'Facts of your own, e.g. the amount; told to subscribers' }),
    policy,
  })
  .meta({ id: 'OverdueInvoiceInput' });

/** @see overdueInput */
export type OverdueDraft = Omit<z.input<typeof overdueInput>, 'overdueSince'> & { overdueSince?: number | undefined };

/** What a payment says. */
export const paidInput = z
  .object({ invoiceId: invoiceId.optional().meta({ description: 'Absent: everything is paid' }), policy })
  .meta({ id: 'PaidInvoiceInput' });

/** @see paidInput */
export type PaidDraft = z.input<typeof paidInput>;

/** Where a customer is in dunning. */
export const dunningView = z
  .object({
    policy: z.string(),
    openedAt: instant.nullable().meta({ description: 'Null: everything is paid' }),
    invoices: z.array(z.object({ invoiceId: z.string(), overdueSince: instant, facts: freeForm })),
    stepsTaken: z.int(),
    nextStep: z
      .object({
        action: z.enum(['warn', 'throttle', 'suspend', 'terminate']),
        dueAt: instant.meta({ description: 'When it has its turn, or, held by an exclusion, is looked at again' }),
        held: z
          .object({
            by: z.enum(['promise', 'exclusion']),
            reason: z.string(),
            until: instant.nullable().meta({ description: 'Null: as long as the customer is excluded' }),
          })
          .nullable()
          .meta({ description: 'What will keep it from being taken, as far as it is known; null: nothing' }),
      })
      .nullable()
      .meta({ description: 'Null: there is none' }),
  })
  .meta({ id: 'Dunning' });

/** @see dunningView */
export type DunningView = z.output<typeof dunningView>;

/**
 * A case, or none, as it is shown.
 * @param timer the case's own: a step that was held, or failed, comes again later than the policy says
 */
export function viewOfCase(
  policyOf: DunningPolicy,
  found: DunningCase | undefined,
  customer: Customer,
  timer: Pick<Timer, 'dueAt'> | undefined,
): DunningView {
  return {
    policy: policyOf.name,
    openedAt: found?.openedAt ?? null,
    invoices: [...(found?.invoices ?? [])],
    stepsTaken: found?.stepsTaken ?? 0,
    nextStep: found ? nextStepOf(policyOf, found, customer, timer) : null,
  };
}

function nextStepOf(
  policyOf: DunningPolicy,
  found: DunningCase,
  customer: Customer,
  timer: Pick<Timer, 'dueAt'> | undefined,
): DunningView['nextStep'] {
  const step = policyOf.steps[found.stepsTaken];
  const dueAt = timer?.dueAt ?? nextStepAt(policyOf, found);
  if (!step || dueAt === undefined) return null;
  const held = heldBy(policyOf, customer, dueAt);
  return { action: step.action, dueAt: Math.max(dueAt, held?.until ?? 0), held };
}
