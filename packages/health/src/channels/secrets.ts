import type { Sealer } from '@dotmac/core';
import type { AnyChannelKind } from './channel-kind.js';
import type { ChannelRecord } from './channel.js';

type Owner = Pick<ChannelRecord, 'tenantId' | 'id' | 'kind' | 'config'>;

/** What a channel's secrets belong to: read for another channel or another origin, they do not open. */
export function bindingOf({ tenantId, id, kind: name, config }: Owner, kind: AnyChannelKind): string[] {
  const read = kind.config.safeParse(config);
  const origin = read.success ? (kind.origin?.(read.data as never) ?? '') : '';
  return [tenantId, id, name, origin];
}

/** Seals each secret for its channel. */
export function sealAll(
  sealer: Sealer,
  owner: Owner,
  kind: AnyChannelKind,
  secrets: Readonly<Record<string, string>>,
): Record<string, string> {
  const binding = bindingOf(owner, kind);
  return Object.fromEntries(Object.entries(secrets).map(([name, text]) => [name, sealer.seal(text, binding)]));
}

/** Opens a channel's secrets; undefined when one of them cannot be opened any more. */
export function unsealAll(
  sealer: Sealer | undefined,
  channel: ChannelRecord,
  kind: AnyChannelKind,
): Record<string, string> | undefined {
  const binding = bindingOf(channel, kind);
  const opened: Record<string, string> = {};
  for (const [name, sealed] of Object.entries(channel.secrets)) {
    const text = sealer?.unseal(sealed, binding);
    if (text === undefined) return undefined;
    opened[name] = text;
  }
  return opened;
}
