import type { z } from 'zod';

/** Which fields an object is to have, by what a field beside it says. */
interface FieldsBy {
  by: string;
  inputs: Readonly<Record<string, z.ZodObject>>;
}

const known = new WeakMap<z.ZodType, FieldsBy>();

/**
 * Notes that `schema`, an object that takes what several things take, is for the one that the field `by` beside it names.
 * Who sends a field that there is not is told those of that one.
 */
export function fieldsBy<Schema extends z.ZodType>(
  schema: Schema,
  by: string,
  inputs: Readonly<Record<string, z.ZodObject>>,
): Schema {
  known.set(schema, { by, inputs });
  return schema;
}

/** The names of the fields that are noted of `schema` beside the fields that `valueOf` gives; undefined where none are. */
export function fieldsNoted(schema: z.ZodType, valueOf: (name: string) => unknown): string[] | undefined {
  const noted = known.get(schema);
  const named = noted && valueOf(noted.by);
  // Not judged yet: it may be anything that JSON has, also what cannot be made into text.
  if (typeof named !== 'string' || !noted || !Object.hasOwn(noted.inputs, named)) return undefined;
  return Object.keys(noted.inputs[named]?.shape ?? {});
}
