import { coreErrors } from '@dotmac/core';

/**
 * Numbers that the host sets, over their defaults.
 * @throws INVALID_ARGUMENT which names those that are not whole numbers from 1 on
 */
export function atLeastOne<Names extends string>(
  argument: string,
  defaults: Readonly<Record<Names, number>>,
  given?: Readonly<Partial<Record<Names, number>>>,
): Record<Names, number> {
  const numbers: Record<Names, number> = { ...defaults, ...given };
  const wrong = Object.entries<number>(numbers).filter(([, it]) => !Number.isSafeInteger(it) || it < 1);
  if (wrong.length === 0) return numbers;
  const named = wrong.map(([name, it]) => `${name} (${it})`).join(', ');
  throw coreErrors.INVALID_ARGUMENT({ argument, reason: `whole numbers from 1 on, which is not so of ${named}` });
}
