import { freeForm, instant, wireOf } from '@dotmac/core/contract';
import type { AnyEvent } from '@dotmac/core';
import { z } from 'zod';
import { healthEvents, streamedData, type HealthEvents } from '../events.js';

/** An event as it is streamed. */
export const streamedEvent = z
  .object({
    id: z.string().optional().meta({ description: 'Send it as `Last-Event-ID` to go on after it' }),
    event: z.string().meta({
      description: 'What happened; `reset`: events were missed, read what you show anew; `overflow`: too slow',
    }),
    at: instant,
    endpointId: z.string().nullable(),
    actor: z.string().nullable(),
    data: freeForm,
  })
  .meta({ id: 'StreamedEvent' });

/** @see streamedEvent */
export type StreamedEvent = z.output<typeof streamedEvent>;

/** Which events to stream: what is left out lets all through. */
export const streamFilter = z.object({
  event: z
    .enum(healthEvents.names as [string, ...string[]])
    .optional()
    .meta({ description: 'Of this name alone' }),
  endpointId: z.string().max(64).optional().meta({ description: 'Of this endpoint alone' }),
});

/** @see streamFilter */
export type StreamFilter = z.output<typeof streamFilter>;

const wires = new Map(Object.entries(streamedData).map(([name, schema]) => [name, wireOf(schema)]));

/** An event as it is streamed, its data spelled as on the wire. */
export function streamedAs({ id, name, at, subject, actor, data }: AnyEvent<HealthEvents>): StreamedEvent {
  const rendered = wires.get(name)?.render(data as never) as Record<string, unknown>;
  return { id, event: name, at, endpointId: subject, actor, data: rendered };
}

/** A word to the client itself. */
export function notice(event: 'reset' | 'overflow', at: number, id: string | undefined): StreamedEvent {
  return { ...(id !== undefined && { id }), event, at, endpointId: null, actor: null, data: {} };
}
