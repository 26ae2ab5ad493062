import { z } from 'zod';
import { wireName } from './wire.js';

/**
 * Property names as the wire has them, and codecs as their wire form, in requests and answers alike: fields that are not
 * named there are neither taken nor written.
 */
export function spellOnWire({
  jsonSchema,
  zodSchema,
}: {
  jsonSchema: z.core.JSONSchema.BaseSchema;
  zodSchema: z.core.$ZodTypes;
}): void {
  const def = zodSchema._zod.def;
  if (def.type === 'object' && !def.catchall) jsonSchema.additionalProperties = false;
  if (def.type === 'object' && jsonSchema.properties) {
    const renamed = Object.entries(jsonSchema.properties).map(([name, schema]) => [wireName(name), schema] as const);
    jsonSchema.properties = Object.fromEntries(renamed);
    if (jsonSchema.required) jsonSchema.required = jsonSchema.required.map(wireName);
  }
  if (def.type === 'pipe' && 'reverseTransform' in def) {
    const { description, examples } = jsonSchema;
    for (const key of Object.keys(jsonSchema)) delete (jsonSchema as Record<string, unknown>)[key];
    const { $schema: _, ...wireForm } = z.toJSONSchema(def.in as z.ZodType) as Record<string, unknown>;
    Object.assign(jsonSchema, wireForm, description && { description }, examples && { examples });
  }
}

/** The JSON Schema of what a request may say, in wire names. */
export function wireJsonSchema(schema: z.ZodType): Record<string, unknown> {
  return z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any', override: spellOnWire }) as Record<
    string,
    unknown
  >;
}
