import type { DueKey } from '@dotmac/core';
import type { Page } from '@dotmac/core/contract';

/** Where something stands among what is due: by its time (epoch ms), then by whose it is. */
export interface DuePlace {
  at: number;
  tenantId: string;
  id: string;
}

/** Which page of what is due. */
export interface DuePage {
  limit: number;
  /** The `nextCursor` of the page before; default the first. */
  after?: string | null;
}

/** A page of what was read in the order of its places, which is one more than asked for when there are more. */
export function dueKeys<Found extends DuePlace>(
  found: readonly Found[],
  limit: number,
  keyOf: (found: Found) => DueKey,
): Page<DueKey> {
  const last = found.length > limit ? found[limit - 1] : undefined;
  return {
    items: found.slice(0, limit).map(keyOf),
    nextCursor: last ? `${last.at}.${last.tenantId}/${last.id}` : null,
  };
}

/** What a cursor says; what is none is the beginning. */
export function readDuePlace(cursor: string | null | undefined): DuePlace | undefined {
  const [, at, tenantId, id] = /^(\d{1,16})\.([^/]+)\/(.+)$/.exec(cursor ?? '') ?? [];
  return at === undefined || tenantId === undefined || id === undefined ? undefined : { at: Number(at), tenantId, id };
}

/** The order of places. */
export function compareDue(one: DuePlace, other: DuePlace): number {
  const by = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
  return one.at - other.at || by(one.tenantId, other.tenantId) || by(one.id, other.id);
}
