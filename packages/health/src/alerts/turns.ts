import type { DueChannel } from '../store/alerts.js';

/** A tenant's turn: its channels that there is something to tell, in the order in which they are told. */
export interface Turn {
  tenantId: string;
  channelIds: string[];
}

/** Names a channel among those of all tenants. */
export const channelKey = ({ tenantId, channelId }: DueChannel): string => JSON.stringify([tenantId, channelId]);

/**
 * A turn for every tenant, in the order in which they are named first. Of a tenant's channels, those come first that have had
 * no turn for longest.
 * @param hadTurn of channels by {@link channelKey}, in which round they had their last turn
 */
export function turnsOf(due: readonly DueChannel[], hadTurn: ReadonlyMap<string, number>): Turn[] {
  const turns = new Map<string, string[]>();
  for (const { tenantId, channelId } of due) turns.set(tenantId, [...(turns.get(tenantId) ?? []), channelId]);
  return [...turns].map(([tenantId, channelIds]) => {
    const lastOf = (channelId: string): number => hadTurn.get(channelKey({ tenantId, channelId })) ?? 0;
    return { tenantId, channelIds: channelIds.sort((a, b) => lastOf(a) - lastOf(b)) };
  });
}
