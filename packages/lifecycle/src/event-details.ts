import type { AnyEvent } from '@dotmac/core';
import { instant, wireOf } from '@dotmac/core/contract';
import type { z } from 'zod';
import { epochMs, lifecycleEvents, type LifecycleEvents } from './events.js';

/** The schema of what is told of an event: its instants are written as all others are on the wire. */
function told(schema: z.ZodObject): z.ZodObject {
  const instants = Object.keys(schema.shape).filter((name) => schema.shape[name] === epochMs);
  return schema.extend(Object.fromEntries(instants.map((name) => [name, instant])));
}

const wires = new Map(Object.entries(lifecycleEvents.schemas).map(([name, schema]) => [name, wireOf(told(schema))]));

/** An event's data as a free-form record, whose names and instants are spelled here as they are on the wire. */
export function detailsOf({ name, data }: AnyEvent<LifecycleEvents>): Record<string, unknown> {
  return wires.get(name)?.render(data) as Record<string, unknown>;
}
