import type { ChannelRecord } from '../channels/channel.js';
import type { TenantStore } from '../store/store.js';
import type { AlertRecord, Trouble, Wish } from './alert.js';
import { isMeant, reminderMsOf, stillHolds, type AlertRuleRecord } from './rule.js';

/** Whom a tenant wants to be told of what, as its rules and channels are now. */
export interface Audience {
  channels: readonly ChannelRecord[];
  /** Whether any rule names a channel, in force or not. */
  isNamed(channelId: string): boolean;
  /** The rules that want a channel to be told of a trouble. */
  meaning(channelId: string, trouble: Trouble): AlertRuleRecord[];
  /** What is wanted of an alert that there is already. */
  wishFor(alert: AlertRecord): Wish;
}

/** More than a tenant can have of either. */
const every = { limit: 500, after: null };

/** Reads a tenant's audience: two statements. */
export async function audienceOf(tenant: TenantStore): Promise<Audience> {
  const [{ items: rules }, { items: channels }] = await Promise.all([
    tenant.rules.list(every),
    tenant.channels.list(every),
  ]);
  const enabled = new Set(channels.flatMap(({ id, enabled }) => (enabled ? [id] : [])));
  const naming = (channelId: string) => rules.filter(({ channelIds }) => channelIds.includes(channelId));
  return {
    channels,
    isNamed: (channelId) => naming(channelId).length > 0,
    meaning: (channelId, trouble) => naming(channelId).filter((rule) => isMeant(rule, trouble)),
    wishFor({ channelId, trouble, told }) {
      const holding = naming(channelId).filter((rule) => (told ? stillHolds : isMeant)(rule, trouble));
      return {
        isEnabled: enabled.has(channelId),
        isMeant: holding.length > 0,
        reminderMs: reminderMsOf(holding),
      };
    },
  };
}
