import { expect, it } from 'vitest';
import { defineErrors } from '../../src/errors/define-errors.js';
import { isRetryable, unavailable } from '../../src/kysely/errors.js';

const errors = defineErrors({
  HOOK_BROKE: { kind: 'internal', message: (_: Record<never, never>) => 'The hook broke.' },
});
const deadlock = Object.assign(new Error('deadlock detected'), { code: '40P01' });

it('a deadlock is worth running a transaction anew for, in whatever words it is said', () => {
  expect(isRetryable(deadlock)).toBe(true);
  expect(isRetryable(errors.HOOK_BROKE({}, { cause: deadlock }))).toBe(true);
  expect(isRetryable(errors.HOOK_BROKE({}, { cause: new Error('a bug') }))).toBe(false);
  // It was run anew until there was no sense in it.
  expect(isRetryable(unavailable('other transactions were in the way', deadlock))).toBe(false);
});
