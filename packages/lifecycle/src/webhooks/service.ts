import { newId, type ScopeIdentity } from '@dotmac/core';
import { invalidInput, readDraft, type Page } from '@dotmac/core/contract';
import { faultsOfUrl, isNotDelivered, originOf } from '@dotmac/core/net';
import type { LifecycleContext } from '../context.js';
import { lifecycleErrors } from '../errors.js';
import { lifecycleEvents } from '../events.js';
import { writtenInstant } from '../written-instant.js';
import { queueDeliveries } from './deliver.js';
import {
  deliveryQuery,
  replayInput,
  type DeliveryQueryDraft,
  type Replayed,
  type ReplayDraft,
  type WebhookDelivery,
} from './delivery.js';
import { testBodyOf } from './message.js';
import { postSigned } from './post.js';
import type { WebhookSending } from './sending.js';
import {
  viewOfWebhook,
  webhookChanges,
  webhookInput,
  type MadeWebhook,
  type Webhook,
  type WebhookChanges,
  type WebhookDraft,
  type WebhookTest,
  type WebhookView,
} from './webhook.js';

/** One tenant's webhooks: where its events are posted to, and what became of each. */
export interface WebhookService {
  /** The answer shows the secret, once. @throws INVALID_INPUT (also for a URL that leads where nothing may be sent), WEBHOOKS_OFF, WEBHOOK_LIMIT */
  create(draft: WebhookDraft): Promise<MadeWebhook>;
  /** @throws WEBHOOK_NOT_FOUND */
  get(webhookId: string): Promise<WebhookView>;
  /** In the order of their making. */
  list(): Promise<WebhookView[]>;
  /** Another origin has another secret: the answer shows it. @throws WEBHOOK_NOT_FOUND, INVALID_INPUT, WEBHOOKS_OFF */
  update(webhookId: string, changes: WebhookChanges): Promise<MadeWebhook>;
  /** Removes a webhook at once, and the log of its deliveries in the background. @throws WEBHOOK_NOT_FOUND */
  remove(webhookId: string): Promise<{ message: string }>;
  /** Posts a message that says that it is a test, once. @throws WEBHOOK_NOT_FOUND, WEBHOOK_FAILED, WEBHOOKS_OFF */
  test(webhookId: string, signal?: AbortSignal): Promise<WebhookTest>;
  /** Newest first. @throws WEBHOOK_NOT_FOUND */
  deliveries(webhookId: string, draft?: DeliveryQueryDraft): Promise<Page<WebhookDelivery>>;
  /** @throws WEBHOOK_DELIVERY_NOT_FOUND */
  delivery(deliveryId: string): Promise<WebhookDelivery>;
  /** Sends one event again, unless it is on its way. @throws WEBHOOK_DELIVERY_NOT_FOUND */
  replay(deliveryId: string): Promise<WebhookDelivery>;
  /** Sends the events of a range of time again, oldest first, a thousand at a call. @throws WEBHOOK_NOT_FOUND */
  replayRange(webhookId: string, draft: ReplayDraft): Promise<Replayed>;
}

const mostWebhooks = 50;
const replayedAtOnce = 1_000;

/** The webhooks of one scope. */
export function webhookService(context: LifecycleContext, { tenantId }: ScopeIdentity): WebhookService {
  const { store, clock, webhooks: sending } = context;
  const { webhooks, limits } = store.tenant(tenantId);
  const find = async (webhookId: string): Promise<Webhook> => {
    const found = await webhooks.get(webhookId);
    if (!found) throw lifecycleErrors.WEBHOOK_NOT_FOUND({ webhookId });
    return found;
  };
  const findDelivery = async (deliveryId: string): Promise<WebhookDelivery> => {
    const found = await webhooks.delivery(deliveryId);
    // Of a webhook that is gone the log is not there any more, though it takes a while to delete.
    if (!found || !(await webhooks.get(found.webhookId)))
      throw lifecycleErrors.WEBHOOK_DELIVERY_NOT_FOUND({ deliveryId });
    return found;
  };
  const on = (): WebhookSending => {
    if (!sending) throw lifecycleErrors.WEBHOOKS_OFF({});
    return sending;
  };
  const check = ({
    url,
    events,
  }: {
    url?: string | undefined;
    events?: readonly string[] | null | undefined;
  }): void => {
    const unknown = (events ?? []).flatMap((name, index) =>
      lifecycleEvents.names.includes(name as never)
        ? []
        : [{ path: `events.${index}`, message: 'There is no such event' }],
    );
    const issues = [...unknown, ...(url === undefined ? [] : faultsOfUrl('url', url, on().connector))];
    if (issues.length > 0) throw invalidInput(issues);
  };
  /** Puts those back that are not on their way. */
  const again = (deliveries: readonly WebhookDelivery[]): Promise<WebhookDelivery[]> =>
    store.transaction(async (trx) => {
      const due: WebhookDelivery[] = [];
      for (const delivery of deliveries) if (await webhooks.reset(delivery.id, trx)) due.push(delivery);
      await queueDeliveries(context, tenantId, due, trx);
      return due;
    });

  return {
    async create(draft) {
      const { newSecret } = on();
      const input = readDraft(webhookInput, draft);
      check(input);
      const now = clock.now();
      const times = { oldSecretUntil: null, failingSince: null, disabledAt: null, createdAt: now, updatedAt: now };
      const bare = { ...input, ...times, id: newId(), tenantId };
      const { secret, sealedSecret } = newSecret(bare);
      const webhook = { ...bare, sealedSecret, oldSealedSecret: null };
      await store.transaction(async (trx) => {
        await limits.lock('webhooks', trx);
        if ((await webhooks.count(trx)) >= mostWebhooks) throw lifecycleErrors.WEBHOOK_LIMIT({ limit: mostWebhooks });
        await webhooks.insert(webhook, trx);
      });
      return { ...viewOfWebhook(webhook), secret };
    },
    get: async (webhookId) => viewOfWebhook(await find(webhookId)),
    list: async () => (await webhooks.all()).map(viewOfWebhook),
    async update(webhookId, draft) {
      const { rotateSecret = false, oldSecretSeconds, ...changes } = readDraft(webhookChanges, draft);
      await find(webhookId);
      const { newSecret } = on();
      check(changes);
      const defined = Object.fromEntries(Object.entries(changes).filter(([, value]) => value !== undefined));
      return store.transaction(async (trx) => {
        const before = await webhooks.lock(webhookId, trx);
        if (!before) throw lifecycleErrors.WEBHOOK_NOT_FOUND({ webhookId });
        const isBack = changes.enabled === true && !before.enabled;
        const isMoved = changes.url !== undefined && changes.url !== before.url;
        // Enabled again, or pointed elsewhere, it has as long as a new one.
        const fresh = { ...(isBack && { disabledAt: null }), ...((isBack || isMoved) && { failingSince: null }) };
        const bare: Webhook = { ...before, ...defined, ...fresh, updatedAt: clock.now() };
        const isElsewhere = originOf(bare.url) !== originOf(before.url);
        const made = rotateSecret || isElsewhere ? newSecret(bare) : undefined;
        const old = isElsewhere ? withoutOldSecret : oldSecretOf(before, clock.now(), oldSecretSeconds);
        const webhook = { ...bare, ...(made && { ...old, sealedSecret: made.sealedSecret }) };
        await webhooks.update(webhook, trx);
        return { ...viewOfWebhook(webhook), secret: made?.secret ?? null };
      });
    },
    async remove(webhookId) {
      const { name } = await find(webhookId);
      await store.transaction((trx) => webhooks.remove(webhookId, trx));
      return { message: `Webhook ${name} was removed.` };
    },
    async test(webhookId, signal = new AbortController().signal) {
      const webhook = await find(webhookId);
      const startedAt = clock.monotonic();
      const message = { id: newId(), body: testBodyOf(webhookId, clock.now()) };
      await postSigned(on(), webhook, message, { clock, signal }).catch((error: unknown) => {
        throw lifecycleErrors.WEBHOOK_FAILED({ code: isNotDelivered(error) ? error.code : 'failed' });
      });
      return { delivered: true, responseTimeMs: clock.monotonic() - startedAt };
    },
    async deliveries(webhookId, draft = {}) {
      const query = readDraft(deliveryQuery, draft);
      await find(webhookId);
      return webhooks.deliveries({ webhookId, ...query });
    },
    delivery: findDelivery,
    async replay(deliveryId) {
      await again([await findDelivery(deliveryId)]);
      return findDelivery(deliveryId);
    },
    async replayRange(webhookId, { from: since, to: until, ...draft }) {
      const written = { ...draft, from: writtenInstant(since), to: writtenInstant(until) };
      const { from, to, states, cursor } = readDraft(replayInput, written);
      await find(webhookId);
      const { items, nextCursor } = await webhooks.deliveriesOf({
        ...{ webhookId, from, to, states, cursor, limit: replayedAtOnce },
      });
      return { replayed: (await again(items)).length, nextCursor };
    },
  };
}

type OldSecret = Pick<Webhook, 'oldSealedSecret' | 'oldSecretUntil'>;

/** The secret before is nobody's business at another origin. */
const withoutOldSecret: OldSecret = { oldSealedSecret: null, oldSecretUntil: null };

/** The secret that is replaced, which signs for a while yet, so that the receiver can be told of the new one meanwhile. */
function oldSecretOf({ sealedSecret }: Webhook, now: number, seconds = 86_400): OldSecret {
  return seconds === 0 ? withoutOldSecret : { oldSealedSecret: sealedSecret, oldSecretUntil: now + seconds * 1_000 };
}
