import type { Block } from '../customers/customer.js';

/** The blocks that are left. */
export function without(blocks: readonly Block[], lifted: readonly string[]): Block[] {
  return blocks.filter(({ reason }) => !lifted.includes(reason));
}

/** Does one of the reasons suspend? One for which payment is promised does not, so long. */
export function isSuspending(blocks: readonly Block[]): boolean {
  return blocks.some(({ severity, promisedUntil }) => severity === 'suspend' && promisedUntil === null);
}

/** What the reasons come to for services: the hardest of them. */
export function severityOf(blocks: readonly Block[]): 'none' | Block['severity'] {
  if (isSuspending(blocks)) return 'suspend';
  return blocks.some(({ promisedUntil }) => promisedUntil === null) ? 'throttle' : 'none';
}
