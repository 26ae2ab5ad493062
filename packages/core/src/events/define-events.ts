import { z } from 'zod';
import { newId } from '../ids.js';
import type { ScopeIdentity } from '../scope.js';

/** Past-tense event names with the schema of each one's data. Schemas may use codecs, not one-way transforms. */
export type EventSchemas = Record<string, z.ZodType>;

/** One thing that happened. The envelope is the same for every event of every domain. */
export interface DomainEvent<
  Schemas extends EventSchemas = EventSchemas,
  Name extends keyof Schemas & string = keyof Schemas & string,
> {
  /** UUIDv7. Receivers that must not act twice remember this. */
  id: string;
  name: Name;
  /** Epoch ms. */
  at: number;
  tenantId: string;
  /** Who caused it, e.g. `user:42` or `system`. */
  actor: string;
  /** What it happened to, e.g. an endpoint's id. Events of one subject are delivered in order. */
  subject: string;
  data: z.output<Schemas[Name]>;
}

/** Any event of a table, discriminated by `name`. */
export type AnyEvent<Schemas extends EventSchemas> = {
  [Name in keyof Schemas & string]: DomainEvent<Schemas, Name>;
}[keyof Schemas & string];

/** A domain's table of events. */
export interface EventTable<Schemas extends EventSchemas = EventSchemas> {
  /** The domain, e.g. `health`. */
  readonly module: string;
  readonly names: readonly (keyof Schemas & string)[];
  readonly schemas: Schemas;
  /** Makes an event with a new id. The data are taken as typed, not parsed. */
  create<Name extends keyof Schemas & string>(
    name: Name,
    of: ScopeIdentity & { subject: string; at: number; data: z.output<Schemas[Name]> },
  ): DomainEvent<Schemas, Name>;
  /**
   * An event as it is stored: data checked, and written as the schema reads them (a codec such as `instant` is
   * encoded). Throws when the data do not fit the schema.
   */
  encode(event: AnyEvent<Schemas>): DomainEvent;
  /** Parses an event read from storage; undefined when the name is unknown or the data do not fit any more. */
  parse(stored: DomainEvent): AnyEvent<Schemas> | undefined;
}

/**
 * Makes a domain's event table.
 *
 * @example
 * export const healthEvents = defineEvents('health', {
 *   'endpoint.status_changed': z.object({ from: status, to: status }),
 * });
 * export type HealthEvents = typeof healthEvents.schemas;
 */
export function defineEvents<Schemas extends EventSchemas>(module: string, schemas: Schemas): EventTable<Schemas> {
  return {
    module,
    schemas,
    names: Object.keys(schemas),
    create: (name, { tenantId, actor, subject, at, data }) => ({
      id: newId(),
      name,
      at,
      tenantId,
      actor,
      subject,
      data,
    }),
    encode: (event) => ({ ...event, data: z.encode(schemas[event.name] as z.ZodType, event.data) }),
    parse(stored) {
      if (!Object.hasOwn(schemas, stored.name)) return undefined;
      const parsed = schemas[stored.name]?.safeParse(stored.data);
      return parsed?.success ? ({ ...stored, data: parsed.data } as AnyEvent<Schemas>) : undefined;
    },
  };
}
