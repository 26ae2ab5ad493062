import type { Page } from '@dotmac/core/contract';

/** A page of what was read, which is one more than asked for when there are more. */
export function pageOf<Item extends { id: string }>(found: readonly Item[], limit: number): Page<Item> {
  const items = found.slice(0, limit);
  return { items, nextCursor: found.length > limit ? (items.at(-1)?.id ?? null) : null };
}
