import { erasedProfile, erasedWords } from '../privacy/personal.js';
import type { HistoryEntry } from '../store/store.js';
import type { Block, Customer } from './customer.js';

/** What events say of a customer besides what its fold plays: only as far as they do, the rest they never knew. */
export interface Said {
  /** What came with the registration or was changed since. */
  profile: Partial<Customer>;
  /** The open reasons; without their words where nobody can read these any more. */
  blocks: readonly SaidBlock[];
}

/** What is known of an open reason. */
export type SaidBlock = Pick<Block, 'reason'> & Partial<Block>;

/**
 * Plays entries of a customer's history, opened as far as there is a key for them, on from what those before them said;
 * undefined: there were none. What is still sealed is not known.
 */
export function saidOn(before: Said | undefined, entries: readonly HistoryEntry[]): Said {
  let said: Said = before ?? { profile: {}, blocks: [] };
  for (const entry of entries) said = { ...said, ...effect(said, entry) };
  return said;
}

function effect({ profile, blocks }: Said, { event, sealed }: HistoryEntry): Partial<Said> {
  const isReadable = sealed === undefined;
  switch (event.name) {
    case 'customer.registered': {
      const { registrationSource, referralCode } = event.data;
      return { profile: { registrationSource, ...(isReadable && { referralCode }) } };
    }
    case 'customer.linked': {
      const { externalId } = event.data;
      return { profile: { ...without(profile, ['externalId']), ...(isReadable && { externalId }) } };
    }
    case 'customer.updated':
      return { profile: { ...without(profile, event.data.fields), ...(event.data.changes as Partial<Customer>) } };
    case 'customer.suspended':
    case 'customer.suspension_added':
    case 'customer.throttled': {
      const { reason, note, parameters } = event.data;
      const opened = { reason, openedAt: event.at, openedBy: event.actor, ...(isReadable && { note, parameters }) };
      return { blocks: [...blocks.filter((open) => open.reason !== reason), opened] };
    }
    case 'customer.suspension_lifted':
    case 'customer.reactivated': {
      const { openReasons } = event.data;
      return { blocks: blocks.filter(({ reason }) => openReasons.includes(reason)) };
    }
    case 'customer.erased':
      return {
        profile: { ...profile, ...erasedProfile(event.subject) },
        blocks: blocks.map((block) => ({ ...block, ...erasedWords })),
      };
    default:
      return {};
  }
}

function without(profile: Partial<Customer>, fields: readonly string[]): Partial<Customer> {
  return Object.fromEntries(Object.entries(profile).filter(([key]) => !fields.includes(key)));
}
