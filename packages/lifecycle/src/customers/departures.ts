import { readDraft } from '@dotmac/core/contract';
import type { StepAtOnce } from './step.js';
import { reasonInput, type ReasonDraft } from './reason.js';
import type { PendingEvent } from './record.js';

/** Leaving, in its several ways, and coming back: command, event, and what else it changes. */
const departures = {
  reject: { name: 'customer.rejected', patch: { approval: 'rejected' } },
  markChurning: { name: 'customer.churning', patch: {} },
  winBack: { name: 'customer.won_back', patch: {} },
  deactivate: { name: 'customer.deactivated', patch: {} },
  delete: { name: 'customer.deleted', patch: {} },
  restore: { name: 'customer.restored', patch: {} },
} as const;

/** @see departures */
export type Departure = keyof typeof departures;

/** Is a command one of leaving or coming back? */
export function isDeparture(command: string): command is Departure {
  return Object.hasOwn(departures, command);
}

/** The step of leaving or coming back; it reads its draft at once. @throws INVALID_INPUT */
export function departureStep(command: Departure, draft: ReasonDraft = {}): StepAtOnce {
  const { reason } = readDraft(reasonInput, draft);
  const { name, patch } = departures[command];
  return {
    command,
    input: { reason },
    decide: ({ stage: from }, { to }) => ({ patch, event: { name, data: { from, to, reason } } as PendingEvent }),
  };
}
