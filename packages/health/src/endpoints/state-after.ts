import { lastingOf, uncheckedState, type KeptState } from '../monitoring/directory.js';
import type { EndpointRecord } from './endpoint.js';
import { sameOrigin } from './secrets.js';

/**
 * What is known of an endpoint after it was changed. Undefined when nothing is: it is asked somewhere else, and begins
 * anew.
 */
export function stateAfter(
  before: EndpointRecord,
  after: EndpointRecord,
  state: KeptState | undefined,
): KeptState | undefined {
  if (!sameOrigin(before, after)) return undefined;
  const isPaused = after.pausedAt !== null;
  if ((before.pausedAt !== null) === isPaused) return state;
  const message = isPaused ? 'Paused' : 'Not checked since it was paused';
  return { ...uncheckedState, ...lastingOf(state), message };
}
