import type { AnyEvent } from '@dotmac/core';
import type { LifecycleEvents } from '../events.js';
import type { Approval } from './customer.js';
import type { Stage } from './stage.js';

/** What a customer's events say of it. */
export interface Folded {
  version: number;
  stage: Stage;
  approval: Approval;
  openReasons: readonly string[];
  emailVerifiedAt: number | null;
  phoneVerifiedAt: number | null;
  erasedAt: number | null;
  createdAt: number;
  updatedAt: number;
}

type Event = AnyEvent<LifecycleEvents>;

/** What an event changes besides version and time. */
function effect(before: Folded, event: Event): Partial<Folded> {
  switch (event.name) {
    case 'customer.registered':
      return { approval: event.data.requiresApproval ? 'pending' : 'not_required' };
    case 'customer.approved':
      return { approval: 'approved' };
    case 'customer.rejected':
      return { stage: event.data.to, approval: 'rejected' };
    case 'customer.verified':
      return {
        stage: event.data.to,
        [event.data.channel === 'email' ? 'emailVerifiedAt' : 'phoneVerifiedAt']: event.at,
      };
    case 'customer.suspended':
    case 'customer.suspension_added':
    case 'customer.throttled':
    case 'customer.suspension_lifted':
    case 'customer.reactivated':
      return { stage: event.data.to, openReasons: event.data.openReasons };
    case 'customer.erased':
      return { stage: event.data.to, erasedAt: event.at };
    default:
      return 'to' in event.data ? { stage: event.data.to } : before;
  }
}

/**
 * Plays a customer's events, all of them and in order: what comes out is what its row must say. The history is the
 * authority, the row its projection.
 */
export function fold(events: readonly Event[]): Folded {
  const first = events[0];
  let state: Folded = {
    version: 0,
    stage: 'registration',
    approval: 'not_required',
    openReasons: [],
    emailVerifiedAt: null,
    phoneVerifiedAt: null,
    erasedAt: null,
    createdAt: first?.at ?? 0,
    updatedAt: first?.at ?? 0,
  };
  for (const event of events)
    state = { ...state, ...effect(state, event), version: state.version + 1, updatedAt: event.at };
  return state;
}
