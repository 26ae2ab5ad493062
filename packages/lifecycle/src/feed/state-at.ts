import { id, instant } from '@dotmac/core/contract';
import { z } from 'zod';
import { foldOn, type Folded } from '../customers/fold.js';
import { customerStatus, stage, statusOf } from '../customers/stage.js';
import type { HistoryStore } from '../store/store.js';

/** When a customer is asked for. */
export const stateQuery = z.object({ at: instant.optional().meta({ description: 'Default: now' }) });

/** What a customer was at some time. */
export const customerState = z
  .object({
    customerId: id,
    at: instant,
    seq: z.int().meta({ description: 'The last event until then' }),
    lifecycleStage: stage,
    status: customerStatus,
    approval: z.enum(['not_required', 'pending', 'approved', 'rejected']),
    openReasons: z.array(z.string()),
    emailVerifiedAt: instant.nullable(),
    phoneVerifiedAt: instant.nullable(),
    since: instant.meta({ description: 'When the last event until then happened' }),
  })
  .meta({ id: 'CustomerState' });

/** @see customerState */
export type CustomerState = z.output<typeof customerState>;

const atOnce = 500;

/** Plays a customer's events until an instant; undefined when it was not there yet. */
export async function foldUntil(history: HistoryStore, customerId: string, at: number): Promise<Folded | undefined> {
  let state: Folded | undefined;
  for (;;) {
    const entries = await history.readFrom(customerId, { after: state?.version ?? 0, limit: atOnce });
    // Times of one customer never go back.
    const until = entries.filter(({ event }) => event.at <= at);
    if (until.length > 0)
      state = foldOn(
        state,
        until.map(({ event }) => event),
      );
    if (until.length < atOnce) return state;
  }
}

/** A state as it is shown. */
export function shownState(customerId: string, at: number, state: Folded): CustomerState {
  const { version, stage: lifecycleStage, approval, openReasons, emailVerifiedAt, phoneVerifiedAt, updatedAt } = state;
  return {
    customerId,
    at,
    seq: version,
    lifecycleStage,
    status: statusOf[lifecycleStage],
    approval,
    openReasons: [...openReasons],
    emailVerifiedAt,
    phoneVerifiedAt,
    since: updatedAt,
  };
}
