import assert from 'node:assert/strict';
import type { CustomerEvent, EventName } from '../feed/event.js';
import type { LifecycleScope } from '../scope.js';

/** An event that is expected: its name, or what must be true of it. */
export type ExpectedEvent =
  | EventName
  | {
      event: EventName;
      /** Epoch ms. */
      at?: number;
      actor?: string;
      /** Some of its details, as they are spelled on the wire. */
      details?: Record<string, unknown>;
    };

/** How events are expected. */
export interface ExpectEventsOptions {
  /** After this place in the history. Default 0: all of it. */
  after?: number;
}

/**
 * Expects exactly these events of a customer, in this order: it fails when one is missing, and when there is one more.
 * What an expectation does not mention is not compared.
 * @throws AssertionError that shows both lists
 *
 * @example
 * await expectEvents(lifecycle.scope({ tenantId }), id, [
 *   'customer.registered',
 *   { event: 'customer.suspended', at: start + 14 * day, details: { reason: 'non_payment' } },
 * ]);
 */
export async function expectEvents(
  scope: Pick<LifecycleScope, 'feed'>,
  customerId: string,
  expected: readonly ExpectedEvent[],
  { after = 0 }: ExpectEventsOptions = {},
): Promise<void> {
  const happened: CustomerEvent[] = [];
  for (let cursor: string | null | undefined; cursor !== null;) {
    const page = await scope.feed.history(customerId, { limit: 500, cursor });
    happened.unshift(...page.items.filter(({ seq }) => seq > after).reverse());
    cursor = page.nextCursor;
  }
  const seen = happened.map((event, index) => likeExpected(event, expected[index]));
  assert.deepEqual(seen, expected, `The events of customer ${customerId} are not those that are expected.`);
}

/** An event as an expectation would write it: what that leaves out is left out. */
function likeExpected({ eventType, timestamp, actor, details }: CustomerEvent, expected?: ExpectedEvent): unknown {
  if (expected === undefined || typeof expected === 'string') return eventType;
  const wanted = Object.keys(expected.details ?? {});
  return {
    event: eventType,
    ...('at' in expected && { at: timestamp }),
    ...('actor' in expected && { actor }),
    ...('details' in expected && { details: Object.fromEntries(wanted.map((key) => [key, details[key]])) }),
  };
}
