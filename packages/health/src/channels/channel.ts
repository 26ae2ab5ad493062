import { freeForm, id, instant, printable } from '@dotmac/core/contract';
import { z } from 'zod';

const fields = {
  name: printable
    .trim()
    .min(1)
    .max(200)
    .meta({ description: 'For people', examples: ['On call'] }),
  kind: z.string().min(1).max(40).meta({ description: 'GET /network-monitoring/channel-kinds says what there is' }),
  config: freeForm
    .refine((value) => JSON.stringify(value).length <= 8_192, 'At most 8192 characters of JSON')
    .meta({ description: 'What its kind takes' }),
  groupWait: z
    .number()
    .min(0)
    .max(3_600)
    .meta({ description: 'Seconds that a message waits for more to tell, so that one trouble is one message' }),
  enabled: z.boolean(),
};
const secretName = z.string().regex(/^[a-z][a-z0-9_]{0,39}$/);
const secret = z.string().min(1).max(4_096);

/** Seconds, where a channel says nothing. */
export const defaultGroupWait = 10;

/** What making a channel takes. */
export const channelInput = z
  .object({
    ...fields,
    config: fields.config.default({}),
    groupWait: fields.groupWait.default(defaultGroupWait),
    enabled: fields.enabled.default(true),
    secrets: z
      .record(secretName, secret)
      .default({})
      .meta({ description: 'Kept sealed and never shown; its kind says which there are' }),
  })
  .meta({ id: 'ChannelInput' });

/** What can be changed of a channel: all but its kind. */
export const channelChanges = z
  .object({
    ...fields,
    secrets: z.record(secretName, secret.nullable()).meta({
      description: 'Those named are set, or removed by null. Another origin removes all others',
    }),
  })
  .omit({ kind: true })
  .partial()
  .meta({ id: 'ChannelChanges' });

/** Where alerts go. */
export const channel = z
  .object({
    id,
    ...fields,
    secretNames: z.array(z.string()).meta({ description: 'The names of its secrets' }),
    lastDeliveredAt: instant.nullable(),
    failingSince: instant.nullable().meta({ description: 'Since when nothing could be delivered; null when it works' }),
    lastFailure: z.string().nullable().meta({ description: 'A code: why the last attempt failed' }),
    createdAt: instant,
    updatedAt: instant,
  })
  .meta({ id: 'Channel' });

/** What a test of a channel came to. */
export const channelTest = z
  .object({ delivered: z.literal(true), responseTimeMs: z.number().meta({ description: 'Milliseconds it took' }) })
  .meta({ id: 'ChannelTest' });

/** The kinds of channels there are. */
export const channelCatalogue = z
  .object({
    items: z.array(
      z.object({
        kind: z.string(),
        summary: z.string(),
        config: freeForm.meta({ description: 'The JSON Schema of `config`' }),
        secrets: freeForm.meta({ description: 'The JSON Schema of `secrets`' }),
      }),
    ),
  })
  .meta({ id: 'ChannelCatalogue' });

/** {@link channelInput} as a caller writes it, defaults left out. */
export type ChannelDraft = z.input<typeof channelInput>;
/** @see channelChanges */
export type ChannelChanges = z.input<typeof channelChanges>;
/** @see channel */
export type Channel = z.output<typeof channel>;
/** @see channelTest */
export type ChannelTest = z.output<typeof channelTest>;
/** @see channelCatalogue */
export type ChannelCatalogue = z.output<typeof channelCatalogue>;
/** A channel as it is kept: its secrets are sealed. */
export type ChannelRecord = Omit<Channel, 'secretNames'> & {
  tenantId: string;
  secrets: Readonly<Record<string, string>>;
};

/** A channel as it is shown: its secrets by their names alone. */
export function shownChannel({ secrets, tenantId: _, ...record }: ChannelRecord): Channel {
  return { ...record, secretNames: Object.keys(secrets).sort() };
}
