import { coreErrors } from '@dotmac/core';
import type { AnyChannelKind } from './channel-kind.js';
import { slackChannel } from './slack.js';
import { webhookChannel } from './webhook.js';

/** The kinds of channels of a health module, by name. */
export type ChannelRegistry = ReadonlyMap<string, AnyChannelKind>;

/**
 * The built-in kinds, and the host's own.
 * @throws INVALID_ARGUMENT when a name is taken or is none
 */
export function channelRegistry(own: readonly AnyChannelKind[] = []): ChannelRegistry {
  const kinds = new Map<string, AnyChannelKind>([webhookChannel, slackChannel].map((it) => [it.kind, it]));
  for (const channel of own) {
    const refuse = (reason: string) => coreErrors.INVALID_ARGUMENT({ argument: `channel ${channel.kind}`, reason });
    if (!/^[a-z][a-z0-9_]{0,39}$/.test(channel.kind)) throw refuse('a name is lower case, digits and "_"');
    if (kinds.has(channel.kind)) throw refuse('there is one of this name already');
    kinds.set(channel.kind, channel);
  }
  return kinds;
}
