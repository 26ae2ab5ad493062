import { z } from 'zod';

/** What became of one line of an import. */
export const importedLine = z
  .object({
    line: z.int(),
    status: z.enum(['created', 'valid', 'refused']).meta({ description: '`valid`: it was a dry run' }),
    id: z.string().nullable(),
    code: z.string().nullable().meta({ description: 'Why it was refused' }),
    errors: z.array(z.object({ path: z.string(), message: z.string() })),
  })
  .meta({ id: 'ImportedLine' });

/** @see importedLine */
export type ImportedLine = z.output<typeof importedLine>;
