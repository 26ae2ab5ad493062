import { newId, type ScopeIdentity } from '@dotmac/core';
import { idPageQuery, invalidInput, inWords, pageAfter, readDraft, type Page } from '@dotmac/core/contract';
import { isNotDelivered } from '@dotmac/core/net';
import { z } from 'zod';
import type { HealthContext } from '../context.js';
import { healthErrors } from '../errors.js';
import type { AnyChannelKind } from './channel-kind.js';
import {
  channelChanges,
  channelInput,
  shownChannel,
  type Channel,
  type ChannelCatalogue,
  type ChannelChanges,
  type ChannelDraft,
  type ChannelRecord,
  type ChannelTest,
} from './channel.js';
import { untried, type DeliveryState } from './delivery-state.js';
import { bindingOf, sealAll, unsealAll } from './secrets.js';

/** One tenant's channels. */
export interface ChannelService {
  /** @throws INVALID_INPUT (also for an address that the egress policy denies), CHANNEL_LIMIT_REACHED */
  create(draft: ChannelDraft): Promise<Channel>;
  /** @throws CHANNEL_NOT_FOUND */
  get(channelId: string): Promise<Channel>;
  /** In the order of their making. */
  list(ask?: { limit?: number; cursor?: string | undefined }): Promise<Page<Channel>>;
  /** Another origin loses the secrets that are not given anew. @throws CHANNEL_NOT_FOUND, INVALID_INPUT */
  update(channelId: string, changes: ChannelChanges): Promise<Channel>;
  /** Removes a channel that no rule names, and what it was still to be told. @throws CHANNEL_NOT_FOUND, CHANNEL_IN_USE */
  remove(channelId: string): Promise<{ message: string }>;
  /** Delivers a message that says that it is a test, once. @throws CHANNEL_NOT_FOUND, CHANNEL_FAILED */
  test(channelId: string, signal?: AbortSignal): Promise<ChannelTest>;
  /** The kinds there are. */
  kinds(): ChannelCatalogue;
}

const mostChannels = 100;
const everyRule = { limit: 500, after: null };

/** The channels of one scope. */
export function channelService(context: HealthContext, { tenantId }: ScopeIdentity): ChannelService {
  const { store, channels: registry, connectors, sealer, through, clock } = context;
  const { channels, deliveries, rules, removeAlertsOf } = store.tenant(tenantId);
  const show = (record: ChannelRecord, state: DeliveryState | undefined): Channel => {
    const { id: _, ...delivery } = state ?? untried(record.id);
    return shownChannel({ ...record, ...delivery });
  };
  const find = async (channelId: string): Promise<ChannelRecord> => {
    const found = await channels.get(channelId);
    if (!found) throw healthErrors.CHANNEL_NOT_FOUND({ channelId });
    return found;
  };
  const kindOf = (name: string): AnyChannelKind => {
    const kind = registry.get(name);
    if (!kind) throw invalidInput([{ path: 'kind', message: 'There is no such kind here' }]);
    return kind;
  };
  const check = (kind: AnyChannelKind, given: { config: unknown; secrets: unknown }): void => {
    const parts = (['config', 'secrets'] as const).map((part) => ({
      part,
      read: kind[part].safeParse(given[part], inWords),
    }));
    const issues = parts.flatMap(({ part, read }) =>
      (read.error?.issues ?? []).map((issue) => ({
        path: [part, ...issue.path.map(String)].join('.'),
        message: issue.message,
      })),
    );
    if (issues.length > 0) throw invalidInput(issues);
    const [config, secrets] = parts.map(({ read }) => read.data as never) as [never, never];
    const faults = kind.faults?.({ config, secrets }, connectors.tenant) ?? [];
    if (faults.length > 0) throw invalidInput(faults);
  };
  const sealed = (owner: Omit<ChannelRecord, 'secrets'>, kind: AnyChannelKind, secrets: Record<string, string>) => {
    if (Object.keys(secrets).length === 0) return {};
    if (!sealer)
      throw invalidInput([{ path: 'secrets', message: 'The host application set no secret to seal them with' }]);
    return sealAll(sealer, owner, kind, secrets);
  };

  return {
    async create(draft) {
      const { secrets, ...input } = readDraft(channelInput, draft);
      const kind = kindOf(input.kind);
      check(kind, { config: input.config, secrets });
      const now = clock.now();
      const { id, ...delivery } = untried(newId());
      const bare = { ...input, ...delivery, id, tenantId, createdAt: now, updatedAt: now };
      const channel = { ...bare, secrets: sealed(bare, kind, secrets) };
      if (!(await channels.insertWithin(mostChannels, channel)))
        throw healthErrors.CHANNEL_LIMIT_REACHED({ limit: mostChannels });
      return show(channel, undefined);
    },
    async get(channelId) {
      const found = await find(channelId);
      return show(found, await deliveries.get(channelId));
    },
    async list({ limit = 50, cursor } = {}) {
      const { items, nextCursor } = await channels.list({ limit, after: pageAfter(idPageQuery, cursor) });
      const states = new Map((await deliveries.list(everyRule)).items.map((it) => [it.id, it]));
      return { items: items.map((it) => show(it, states.get(it.id))), nextCursor };
    },
    async update(channelId, draft) {
      const { secrets: given = {}, ...changes } = readDraft(channelChanges, draft);
      const channel = await channels.change(channelId, (before) => {
        if (!before) throw healthErrors.CHANNEL_NOT_FOUND({ channelId });
        const kind = kindOf(before.kind);
        const defined = Object.fromEntries(Object.entries(changes).filter(([, value]) => value !== undefined));
        const { secrets: _, ...settings } = before;
        const bare = { ...settings, ...defined, updatedAt: clock.now() };
        const isSame = bindingOf(bare, kind).join('\n') === bindingOf(before, kind).join('\n');
        const opened = (isSame ? unsealAll(sealer, before, kind) : undefined) ?? {};
        const all = Object.entries({ ...opened, ...given }).flatMap(([name, text]) =>
          text === null ? [] : [[name, text] as const],
        );
        const secrets = Object.fromEntries(all);
        check(kind, { config: bare.config, secrets });
        return { ...bare, secrets: sealed(bare, kind, secrets) };
      });
      return show(channel, await deliveries.get(channelId));
    },
    async remove(channelId) {
      const { name } = await find(channelId);
      const rule = (await rules.list(everyRule)).items.find(({ channelIds }) => channelIds.includes(channelId));
      if (rule) throw healthErrors.CHANNEL_IN_USE({ channelId, rule: rule.name });
      await store.transaction(async (trx) => {
        if (!(await channels.remove(channelId, trx))) throw healthErrors.CHANNEL_NOT_FOUND({ channelId });
        await deliveries.remove(channelId, trx);
        await removeAlertsOf(channelId, trx);
      });
      return { message: `Channel ${name} was removed.` };
    },
    async test(channelId, signal = new AbortController().signal) {
      const channel = await find(channelId);
      const [at, startedAt] = [clock.now(), clock.monotonic()];
      const text = `This is a test of "${channel.name}": nothing is wrong`;
      const message = { id: newId(), type: 'test' as const, tenantId, channelId, at, text, items: [] };
      await through(channel, message, { attempt: 1, signal }).catch((error: unknown) => {
        throw healthErrors.CHANNEL_FAILED({ code: isNotDelivered(error) ? error.code : 'failed' });
      });
      return { delivered: true, responseTimeMs: clock.monotonic() - startedAt };
    },
    kinds() {
      const schemaOf = (schema: z.ZodType) =>
        z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as Record<string, unknown>;
      const items = [...registry.values()].map(({ kind, summary, config, secrets }) => {
        return { kind, summary, config: schemaOf(config), secrets: schemaOf(secrets) };
      });
      return { items: items.sort((a, b) => (a.kind < b.kind ? -1 : 1)) };
    },
  };
}
