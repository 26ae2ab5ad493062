import { invalidInput, readDraft } from '@dotmac/core/contract';
import type { Block } from '../customers/customer.js';
import type { TimerChange } from '../timers/timer.js';
import { writtenInstant } from '../written-instant.js';
import { reasonFor } from './reasons.js';
import { promiseEndInput, promiseInput, type PromiseDraft, type PromiseEndDraft } from './suspension.js';

const longestPromiseMs = 90 * 24 * 3_600_000;

/** What is promised: nothing comes of an open reason until then. */
export interface Promised {
  reason: string;
  /** Epoch ms. */
  until: number;
  note: string | null;
}

/** Reads a promise. @throws INVALID_INPUT */
export function readPromise(draft: PromiseDraft): Promised {
  const read = readDraft(promiseInput, { ...draft, until: writtenInstant(draft.until) });
  const { actionType, until, reason: note } = read;
  return { reason: reasonFor(actionType), until, note };
}

/**
 * Can it be promised at this time (epoch ms)? Judged when the promise is made, so that one that is repeated under its key
 * is answered as the first was.
 * @throws INVALID_INPUT for a time that is over or more than 90 days ahead
 */
export function checkPromise({ until }: Promised, at: number): void {
  if (until <= at || until > at + longestPromiseMs)
    throw invalidInput([{ path: 'until', message: 'Give a time within the next 90 days' }]);
}

/** Whose promise is ended: of one reason, or undefined for every one. @throws INVALID_INPUT */
export function readPromiseEnd(draft: PromiseEndDraft): string | undefined {
  const { actionType } = readDraft(promiseEndInput, draft);
  return actionType === undefined ? undefined : reasonFor(actionType);
}

/** The blocks with one of them promised for. */
export function withPromise(blocks: readonly Block[], { reason, until }: Promised): Block[] {
  return blocks.map((block) => (block.reason === reason ? { ...block, promisedUntil: until } : block));
}

/** The blocks without the promise for one reason, or for any; and whose promises ended. */
export function withoutPromise(
  blocks: readonly Block[],
  reason: string | undefined,
): { blocks: Block[]; ended: string[] } {
  const ends = (block: Block): boolean =>
    block.promisedUntil !== null && (reason === undefined || block.reason === reason);
  return {
    blocks: blocks.map((block) => (ends(block) ? { ...block, promisedUntil: null } : block)),
    ended: blocks.filter(ends).map((block) => block.reason),
  };
}

/** A promise and its timer come and go together. */
export function endPromises(
  blocks: readonly Block[],
  reasons: readonly string[],
  timerOf: (reason: string) => string,
): TimerChange[] {
  const promised = blocks.filter(({ reason, promisedUntil }) => promisedUntil !== null && reasons.includes(reason));
  return promised.map(({ reason }) => ({ clear: timerOf(reason) }));
}
