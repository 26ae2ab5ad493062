import { randomBytes } from 'node:crypto';
import {
  createOutboxRelay,
  createSealer,
  defineEvents,
  type Clock,
  type Logger,
  type Outbox,
  type OutboxRelay,
  type Sealer,
} from '@dotmac/core';
import { createConnector, originOf, type Connector, type EgressPolicy } from '@dotmac/core/net';
import { z } from 'zod';
import type { Webhook } from './webhook.js';

/** How webhooks are sent. */
export interface WebhookOptions {
  /** Where tenants' URLs may lead. Default: public addresses alone. */
  egress?: EgressPolicy;
  /** Attempts before a delivery is given up. Default 16: with waits from 5 s to 8 h, about a day. */
  maxAttempts?: number;
  /** How long the log of deliveries is kept. Default 30 days. */
  keepDays?: number;
  /** A webhook that took nothing for so long is switched off. Default 120 hours, five days. */
  disableAfterHours?: number;
  /** Told of each webhook that was switched off so: at least once, from the outbox. Default: it is logged. */
  onDisabled?: (notice: DisabledWebhook) => void | Promise<void>;
}

/** A webhook that was switched off because it had failed for too long. */
export interface DisabledWebhook {
  tenantId: string;
  webhookId: string;
  /** For people. */
  name: string;
  /** Epoch ms. */
  failingSince: number;
  disabledAt: number;
  /** A code: why the last attempt failed, e.g. `status_503`. */
  lastFailure: string;
}

const dueSchemas = {
  'webhook.due': z.object({ deliveryId: z.string() }),
  'webhook.disabled': z.object({
    webhookId: z.string(),
    name: z.string(),
    failingSince: z.number(),
    lastFailure: z.string(),
  }),
};

/** What lies in the webhooks' own outbox: which delivery is due, and which webhook was switched off. */
export const dueDeliveries = defineEvents('lifecycle-webhooks', dueSchemas);

/** What sending webhooks works with. */
export interface WebhookSending {
  readonly connector: Connector;
  readonly relay: OutboxRelay<typeof dueSchemas>;
  readonly maxAttempts: number;
  readonly keepMs: number;
  readonly disableAfterMs: number;
  readonly onDisabled: ((notice: DisabledWebhook) => void | Promise<void>) | undefined;
  /** A new secret, and how it is kept. */
  newSecret(webhook: Pick<Webhook, 'tenantId' | 'id' | 'url'>): { secret: string; sealedSecret: string };
  /** What signs at a time: the secret and, while it is valid, the one before. Empty when it cannot be opened any more. */
  secretsOf(webhook: Webhook, now: number): readonly string[];
}

/** Makes what sending webhooks works with. @throws INVALID_ARGUMENT for secrets that are too short */
export function webhookSending(
  { egress, maxAttempts = 16, keepDays = 30, disableAfterHours = 120, onDisabled }: WebhookOptions,
  { secrets, outbox, clock, logger }: { secrets: readonly string[]; outbox: Outbox; clock: Clock; logger: Logger },
): WebhookSending {
  const sealer: Sealer = createSealer(secrets, 'dotmac lifecycle webhooks');
  // Pointed elsewhere, a webhook has another secret.
  const bindingOf = ({ tenantId, id, url }: Pick<Webhook, 'tenantId' | 'id' | 'url'>) => [tenantId, id, originOf(url)];
  const limits = { maxAttempts, firstBackoffMs: 5_000, longestBackoffMs: 8 * 3_600_000, deliveryTimeoutMs: 20_000 };
  return {
    connector: createConnector({ ...(egress && { policy: egress }), clock }),
    relay: createOutboxRelay({ outbox, events: dueDeliveries, clock, logger, ...limits }),
    maxAttempts,
    keepMs: Math.ceil(keepDays * 24 * 3_600_000),
    disableAfterMs: disableAfterHours * 3_600_000,
    onDisabled,
    newSecret(webhook) {
      const secret = `whsec_${randomBytes(32).toString('base64')}`;
      return { secret, sealedSecret: sealer.seal(secret, bindingOf(webhook)) };
    },
    secretsOf(webhook, now) {
      const { sealedSecret, oldSealedSecret, oldSecretUntil } = webhook;
      const old = oldSecretUntil !== null && oldSecretUntil > now ? oldSealedSecret : null;
      const [secret, before] = [sealedSecret, old].map((it) => it && sealer.unseal(it, bindingOf(webhook)));
      return secret ? [secret, ...(before ? [before] : [])] : [];
    },
  };
}
