import { id, instant, printable } from '@dotmac/core/contract';
import { z } from 'zod';
import { endpointTag } from '../endpoints/endpoint.js';
import type { Span } from './span.js';
import { ruleParts } from './rule-parts.js';

const fields = {
  name: printable
    .trim()
    .min(1)
    .max(200)
    .meta({ description: 'For people', examples: ['Sunday patching'] }),
  startsAt: instant.nullable().meta({ description: 'Its beginning; of one that recurs: the first that can be' }),
  endsAt: instant.nullable().meta({ description: 'Its end; of one that recurs: none begins from then on' }),
  cron: z
    .string()
    .max(100)
    .nullable()
    .meta({ description: 'When it begins: five fields, minute to day of week', examples: ['0 2 * * 0'] }),
  rrule: z
    .string()
    .max(200)
    .nullable()
    .meta({
      description: `When it begins, from starts_at on: a rule of RFC 5545 of these parts: ${ruleParts}. No others are taken, and no EXRULE, RDATE or EXDATE`,
      examples: ['FREQ=MONTHLY;BYDAY=2TU'],
    }),
  timeZone: z
    .string()
    .max(64)
    .meta({ description: 'The time zone of cron and rrule', examples: ['Europe/Berlin'] }),
  duration: z.number().min(60).max(2_592_000).nullable().meta({ description: 'Seconds that one that recurs lasts' }),
  tags: z
    .array(endpointTag)
    .max(20)
    .overwrite((tags) => [...new Set(tags)].sort())
    .meta({ description: 'Endpoints with any of these' }),
  endpointIds: z.array(id).max(500).meta({ description: 'These endpoints. Without tags and endpoints: all' }),
};

/** What making a window takes. */
export const windowInput = z
  .object({
    ...fields,
    startsAt: fields.startsAt.default(null),
    endsAt: fields.endsAt.default(null),
    cron: fields.cron.default(null),
    rrule: fields.rrule.default(null),
    timeZone: fields.timeZone.default('UTC'),
    duration: fields.duration.default(null),
    tags: fields.tags.default([]),
    endpointIds: fields.endpointIds.default([]),
  })
  .meta({ id: 'MaintenanceWindowInput' });

/** What can be changed of a window. */
export const windowChanges = z.object(fields).partial().meta({ id: 'MaintenanceWindowChanges' });

/** A time in which nobody is told of what fails: checks go on, and incidents are kept. */
export const maintenanceWindow = z
  .object({
    id,
    ...fields,
    activeUntil: instant.nullable().meta({ description: 'When it ends, while it lasts' }),
    nextStartsAt: instant.nullable().meta({ description: 'When it begins next' }),
    createdAt: instant,
    updatedAt: instant,
  })
  .meta({ id: 'MaintenanceWindow' });

/** Instants are epoch ms in code, and text in what schemas read. */
type InCode<Written> = Omit<Written, 'startsAt' | 'endsAt'> & {
  startsAt?: number | null | undefined;
  endsAt?: number | null | undefined;
};
/** {@link windowInput} as a caller writes it, defaults left out; instants are epoch ms. */
export type WindowDraft = InCode<z.input<typeof windowInput>>;
/** @see windowChanges */
export type WindowChanges = InCode<z.input<typeof windowChanges>>;
/** @see maintenanceWindow */
export type MaintenanceWindow = z.output<typeof maintenanceWindow>;
/** A window as it is kept. */
export type WindowRecord = Omit<MaintenanceWindow, 'activeUntil' | 'nextStartsAt'> & { tenantId: string };

/** Whether a window is about an endpoint. */
export function covers(
  { tags, endpointIds }: Pick<WindowRecord, 'tags' | 'endpointIds'>,
  endpoint: { id: string; tags: readonly string[] },
): boolean {
  if (tags.length === 0 && endpointIds.length === 0) return true;
  return endpointIds.includes(endpoint.id) || tags.some((tag) => endpoint.tags.includes(tag));
}

/** A window as it is shown. */
export function shownWindow(
  { tenantId: _, ...record }: WindowRecord,
  { active, next }: { active: Span | undefined; next: number | null },
): MaintenanceWindow {
  return { ...record, activeUntil: active?.until ?? null, nextStartsAt: next };
}

/** A draft as its schema reads it. */
export function written<Draft extends WindowDraft | WindowChanges>(draft: Draft): Draft {
  const text = (at: number | null | undefined) => (typeof at === 'number' ? instant.safeEncode(at).data : at);
  return { ...draft, startsAt: text(draft.startsAt), endsAt: text(draft.endsAt) };
}
