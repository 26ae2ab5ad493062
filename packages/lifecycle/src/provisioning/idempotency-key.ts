import type { ServiceStep } from './definition.js';
import type { Run, RunStep } from './run.js';

/**
 * What a step's calls are done once under: the same on every attempt. Of a step that waits to be completed each round has a
 * key of its own, as it has a token: under the key of the round before, whoever is asked would answer with the order that it
 * has, and never hear of the token that alone ends the step now.
 */
export function idempotencyKeyOf(
  { id }: Pick<Run, 'id'>,
  { key, round = 0 }: Pick<RunStep, 'key' | 'round'>,
  definition: ServiceStep,
): string {
  const isOrderedAnew = round > 0 && 'completion' in definition && definition.completion !== undefined;
  return isOrderedAnew ? `${id}:${key}:${round}` : `${id}:${key}`;
}
