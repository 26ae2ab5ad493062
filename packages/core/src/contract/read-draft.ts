import type { z } from 'zod';
import { inWords } from './in-words.js';
import { invalidInput, wireName } from './wire.js';

/**
 * Checks what a caller in code gave, as the routes check what came by HTTP.
 * @throws INVALID_INPUT with every fault in it
 */
export function readDraft<Schema extends z.ZodType>(schema: Schema, draft: unknown): z.output<Schema> {
  const { data, error } = schema.safeParse(draft, inWords);
  if (!error) return data;
  throw invalidInput(
    error.issues.map((issue) => ({
      path: issue.path.map((part) => wireName(String(part))).join('.'),
      message: issue.message,
    })),
  );
}
