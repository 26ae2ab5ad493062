import type { AnyEvent } from '@dotmac/core';
import type { LifecycleEvents } from '../events.js';
import type { Stage } from './stage.js';

/** The stage that an event led into; null when it led into none, or its customer was there already. */
export function enteredBy({ data }: AnyEvent<LifecycleEvents>): Stage | null {
  if (!('to' in data)) return null;
  return 'from' in data && data.from === data.to ? null : data.to;
}
