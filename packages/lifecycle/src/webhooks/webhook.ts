import { id, instant, postUrl, printable } from '@dotmac/core/contract';
import { z } from 'zod';

const fields = {
  name: printable
    .trim()
    .min(1)
    .max(200)
    .meta({ description: 'For people', examples: ['CRM'] }),
  url: postUrl.meta({ description: 'Where events are posted to; redirects are not followed' }),
  events: z
    .array(z.string().max(64))
    .min(1)
    .max(100)
    .nullable()
    .meta({ description: 'The names of those wanted; null: all', examples: [['customer.suspended']] }),
  enabled: z.boolean().meta({ description: 'While it is not, events are noted as `skipped`, and can be replayed' }),
};

/** What making a webhook takes. */
export const webhookInput = z
  .object({ ...fields, events: fields.events.default(null), enabled: fields.enabled.default(true) })
  .meta({ id: 'LifecycleWebhookInput' });

/** @see webhookInput */
export type WebhookDraft = z.input<typeof webhookInput>;

/** What can be changed of a webhook. */
export const webhookChanges = z
  .object({
    ...fields,
    rotateSecret: z.boolean().meta({ description: 'Make a new secret; another origin of the URL does so by itself' }),
    oldSecretSeconds: z
      .int()
      .min(0)
      .max(30 * 86_400)
      .meta({ description: 'How long a secret that is replaced signs beside the new one. Default 86,400: a day' }),
  })
  .partial()
  .meta({ id: 'LifecycleWebhookChanges' });

/** @see webhookChanges */
export type WebhookChanges = z.input<typeof webhookChanges>;

/** Where events are posted to. */
export const webhookView = z
  .object({
    id,
    ...fields,
    oldSecretUntil: instant.nullable().meta({ description: 'Until then the secret before signs, too' }),
    failingSince: instant
      .nullable()
      .meta({ description: 'Nothing was taken since then; null: the last attempt went well' }),
    disabledAt: instant.nullable().meta({
      description: 'When it was switched off because it had failed for days; enable it to have it tried again',
    }),
    createdAt: instant,
    updatedAt: instant,
  })
  .meta({ id: 'LifecycleWebhook' });

/** @see webhookView */
export type WebhookView = z.output<typeof webhookView>;

/** A webhook with its secret, if one was made just now. */
export const madeWebhook = z
  .object({
    ...webhookView.shape,
    secret: z.string().nullable().meta({
      description: 'What deliveries are signed with (Standard Webhooks). Shown when it is made, and never again',
    }),
  })
  .meta({ id: 'LifecycleWebhookMade' });

/** @see madeWebhook */
export type MadeWebhook = z.output<typeof madeWebhook>;

/** What a test came to. */
export const webhookTest = z
  .object({ delivered: z.literal(true), responseTimeMs: z.number().meta({ description: 'Milliseconds it took' }) })
  .meta({ id: 'LifecycleWebhookTest' });

/** @see webhookTest */
export type WebhookTest = z.output<typeof webhookTest>;

/** A webhook as it is kept. */
export type Webhook = WebhookView & {
  tenantId: string;
  /** The secret, sealed for this webhook and the origin of its URL. */
  sealedSecret: string;
  /** The one before, which signs as well until `oldSecretUntil`; sealed likewise. */
  oldSealedSecret: string | null;
};

/** A webhook as it is shown. */
export function viewOfWebhook({ tenantId: _, sealedSecret: __, oldSealedSecret: ___, ...shown }: Webhook): WebhookView {
  return shown;
}
