import { invalidInput } from '@dotmac/core/contract';

/** A customer's attributes, and what it gave while it was onboarded, are as many bytes of JSON each at the most. */
const mostFactBytes = 64 * 1_024;

const bytesOf = (facts: object): number => Buffer.byteLength(JSON.stringify(facts));

/**
 * Looks at facts that were added to: one request is bounded, and many are not. What is beyond the limit already may shrink.
 * @throws INVALID_INPUT
 */
export function checkFacts(path: string, before: object, after: object): void {
  const bytes = bytesOf(after);
  if (bytes > mostFactBytes && bytes >= bytesOf(before))
    throw invalidInput([
      { path, message: `All of it together is ${bytes} bytes of JSON: ${mostFactBytes} at the most` },
    ]);
}
