import type { AnyEvent } from '@dotmac/core';
import type { LifecycleEvents } from '../events.js';
import type { Approval, Block, Customer } from './customer.js';
import { churningFromIn, type Whereabouts } from './stage.js';

/** What a row says of what events say as well. */
export function foldedRow({ blocks, ...row }: Customer): Folded {
  const { version, stage, churningFrom, approval, emailVerifiedAt, phoneVerifiedAt, erasedAt, createdAt, updatedAt } =
    row;
  return {
    version,
    stage,
    churningFrom,
    approval,
    openReasons: blocks.map(({ reason }) => reason),
    reasons: blocks.map(({ reason, severity, promisedUntil }) => ({ reason, severity, promisedUntil })),
    emailVerifiedAt,
    phoneVerifiedAt,
    erasedAt,
    createdAt,
    updatedAt,
  };
}

/** What a customer's events say of it. */
export interface Folded extends Whereabouts {
  version: number;
  approval: Approval;
  openReasons: readonly string[];
  /** The same with how hard each hits, and until when payment is promised. */
  reasons: readonly Pick<Block, 'reason' | 'severity' | 'promisedUntil'>[];
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
    case 'customer.updated': {
      const { unverified } = event.data;
      return {
        ...(unverified.includes('email') && { emailVerifiedAt: null }),
        ...(unverified.includes('phone') && { phoneVerifiedAt: null }),
      };
    }
    case 'customer.suspended':
    case 'customer.suspension_added':
    case 'customer.throttled': {
      const { to, reason, openReasons } = event.data;
      const severity = event.name === 'customer.throttled' ? 'throttle' : 'suspend';
      const others = before.reasons.filter((open) => open.reason !== reason);
      return { stage: to, openReasons, reasons: [...others, { reason, severity, promisedUntil: null }] };
    }
    case 'customer.suspension_lifted':
    case 'customer.reactivated': {
      const { to, openReasons } = event.data;
      return { stage: to, openReasons, reasons: before.reasons.filter(({ reason }) => openReasons.includes(reason)) };
    }
    case 'customer.promised':
      return { stage: event.data.to, reasons: promised(before, [event.data.reason], event.data.until) };
    case 'customer.erased':
      return { stage: event.data.to, erasedAt: event.at };
    case 'customer.promise_ended':
      return { stage: event.data.to, reasons: promised(before, event.data.reasons, null) };
    default:
      return 'to' in event.data ? { stage: event.data.to } : before;
  }
}

function promised({ reasons }: Folded, of: readonly string[], promisedUntil: number | null): Folded['reasons'] {
  return reasons.map((open) => (of.includes(open.reason) ? { ...open, promisedUntil } : open));
}

/**
 * Plays a customer's events, all of them and in order: what comes out is what its row must say. The history is the
 * authority, the row its projection.
 */
export function fold(events: readonly Event[]): Folded {
  return foldOn(undefined, events);
}

/** Plays events on from what those before them came to; undefined: there were none. */
export function foldOn(before: Folded | undefined, events: readonly Event[]): Folded {
  const first = events[0];
  let state: Folded = before ?? {
    version: 0,
    stage: 'registration',
    churningFrom: null,
    approval: 'not_required',
    openReasons: [],
    reasons: [],
    emailVerifiedAt: null,
    phoneVerifiedAt: null,
    erasedAt: null,
    createdAt: first?.at ?? 0,
    updatedAt: first?.at ?? 0,
  };
  for (const event of events) {
    const after = { ...state, ...effect(state, event), version: state.version + 1, updatedAt: event.at };
    state = { ...after, churningFrom: churningFromIn(after.stage, state) };
  }
  return state;
}
