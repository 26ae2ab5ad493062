import { coreErrors } from '@dotmac/core';

/**
 * What is known by its name, each once: of two, the one that is meant could not be told.
 * @throws INVALID_ARGUMENT naming the option and the name
 */
export function namedOnce<Named extends { readonly name: string }>(
  argument: string,
  given: readonly Named[] = [],
): readonly Named[] {
  const names = given.map(({ name }) => name);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw coreErrors.INVALID_ARGUMENT({ argument, reason: `two are named ${twice}` });
  return given;
}
