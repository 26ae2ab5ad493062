import { newId, type ScopeIdentity } from '@dotmac/core';
import { idPageQuery, invalidInput, pageAfter, parkedPageQuery, readDraft, type Page } from '@dotmac/core/contract';
import type { HealthContext } from '../context.js';
import { healthErrors } from '../errors.js';
import {
  alertRuleChanges,
  alertRuleInput,
  type AlertRule,
  type AlertRuleChanges,
  type AlertRuleDraft,
  type AlertRuleRecord,
} from './rule.js';
import { messageOf, messengerSubscriber, undeliveredOf, type UndeliveredMessage } from './undelivered.js';

/** One tenant's alert rules, and the messages that could not be delivered. */
export interface AlertService {
  /** @throws INVALID_INPUT (also for a channel that there is not), ALERT_RULE_LIMIT_REACHED */
  create(draft: AlertRuleDraft): Promise<AlertRule>;
  /** @throws ALERT_RULE_NOT_FOUND */
  get(ruleId: string): Promise<AlertRule>;
  /** In the order of their making. */
  list(ask?: { limit?: number; cursor?: string | undefined }): Promise<Page<AlertRule>>;
  /** Goes for incidents that the channels were not told of yet. @throws ALERT_RULE_NOT_FOUND, INVALID_INPUT */
  update(ruleId: string, changes: AlertRuleChanges): Promise<AlertRule>;
  /** @throws ALERT_RULE_NOT_FOUND */
  remove(ruleId: string): Promise<{ message: string }>;
  /** The messages that were given up, in the order in which they were. @throws INVALID_INPUT for a cursor that is none */
  undelivered(ask?: { limit?: number; cursor?: string | undefined }): Promise<Page<UndeliveredMessage>>;
  /** Tries a message that was given up again. @throws UNDELIVERED_NOT_FOUND */
  retry(deliveryId: string): Promise<{ message: string }>;
  /** Removes a message that was given up: it is never told. @throws UNDELIVERED_NOT_FOUND */
  discard(deliveryId: string): Promise<{ message: string }>;
}

const mostRules = 100;

/** The rules of one scope. */
export function alertService({ store, clock }: HealthContext, { tenantId }: ScopeIdentity): AlertService {
  const tenant = store.tenant(tenantId);
  const { rules, channels } = tenant;
  const find = async (ruleId: string): Promise<AlertRuleRecord> => {
    const found = await rules.get(ruleId);
    if (!found) throw healthErrors.ALERT_RULE_NOT_FOUND({ ruleId });
    return found;
  };
  const show = ({ tenantId: _, ...rule }: AlertRuleRecord): AlertRule => rule;
  const check = async ({ channelIds }: AlertRuleRecord): Promise<void> => {
    const found = await Promise.all(channelIds.map((channelId) => channels.get(channelId)));
    const issues = found.flatMap((channel, index) =>
      channel ? [] : [{ path: `channel_ids.${index}`, message: 'There is no such channel' }],
    );
    if (issues.length > 0) throw invalidInput(issues);
  };
  return {
    async create(draft) {
      const now = clock.now();
      const rule = { ...readDraft(alertRuleInput, draft), id: newId(), tenantId, createdAt: now, updatedAt: now };
      await check(rule);
      if (!(await rules.insertWithin(mostRules, rule)))
        throw healthErrors.ALERT_RULE_LIMIT_REACHED({ limit: mostRules });
      return show(rule);
    },
    get: async (ruleId) => show(await find(ruleId)),
    async list({ limit = 50, cursor } = {}) {
      const { items, nextCursor } = await rules.list({ limit, after: pageAfter(idPageQuery, cursor) });
      return { items: items.map(show), nextCursor };
    },
    async update(ruleId, changes) {
      const given = Object.entries(readDraft(alertRuleChanges, changes)).filter(([, value]) => value !== undefined);
      const defined = Object.fromEntries(given) as Partial<AlertRuleRecord>;
      await check({ ...(await find(ruleId)), ...defined });
      const rule = await rules.change(ruleId, (known) => {
        if (!known) throw healthErrors.ALERT_RULE_NOT_FOUND({ ruleId });
        return { ...known, ...defined, updatedAt: clock.now() };
      });
      return show(rule);
    },
    async remove(ruleId) {
      const { name } = await find(ruleId);
      if (!(await rules.remove(ruleId))) throw healthErrors.ALERT_RULE_NOT_FOUND({ ruleId });
      return { message: `Alert rule ${name} was removed.` };
    },
    async undelivered({ limit = 50, cursor } = {}) {
      const ask = { limit, after: pageAfter(parkedPageQuery, cursor), subscriber: messengerSubscriber };
      const { items, nextCursor } = await store.outbox.parked(tenantId, ask);
      return { items: items.map(undeliveredOf), nextCursor };
    },
    async retry(deliveryId) {
      if (!(await store.outbox.unpark(tenantId, { deliveryId, subscriber: messengerSubscriber })))
        throw healthErrors.UNDELIVERED_NOT_FOUND({ deliveryId });
      return { message: 'The message is tried again.' };
    },
    async discard(deliveryId) {
      await store.transaction(async (trx) => {
        const found = await store.outbox.discard(tenantId, { deliveryId, subscriber: messengerSubscriber }, trx);
        if (!found) throw healthErrors.UNDELIVERED_NOT_FOUND({ deliveryId });
        await tenant.removeMessage(messageOf(found), trx);
      });
      return { message: 'The message was removed.' };
    },
  };
}
