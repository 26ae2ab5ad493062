import { freeForm, invalidInput } from '@dotmac/core/contract';

/** A customer's attributes, and what it gave while it was onboarded, are as many bytes of JSON each at the most. */
const mostFactBytes = 64 * 1_024;

const bytesOf = (facts: object): number => Buffer.byteLength(JSON.stringify(facts));
const tooMany = (bytes: number): string => `All of it together is ${bytes} bytes of JSON: ${mostFactBytes} at the most`;

/** Facts that a customer begins with. */
export const facts = freeForm.superRefine((value, context) => {
  const bytes = bytesOf(value);
  if (bytes > mostFactBytes) context.addIssue({ code: 'custom', message: tooMany(bytes) });
});

/**
 * Looks at facts that were added to: one request is bounded, and many are not. What is beyond the limit already may be
 * replaced by as much.
 * @throws INVALID_INPUT
 */
export function checkFacts(path: string, before: object, after: object): void {
  const bytes = bytesOf(after);
  if (bytes > mostFactBytes && bytes > bytesOf(before)) throw invalidInput([{ path, message: tooMany(bytes) }]);
}
