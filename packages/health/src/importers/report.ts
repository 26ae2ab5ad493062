import { z } from 'zod';
import { shownDraft } from '../endpoints/endpoint.js';

/** What became of one monitor of another product's. */
export const importedMonitor = z
  .object({
    path: z.string().meta({ description: 'Where it stands in the export', examples: ['endpoints.3'] }),
    name: z.string(),
    status: z.enum(['created', 'valid', 'refused', 'left_behind']).meta({
      description:
        '`valid`: it was a dry run; `refused`: it may not be registered here; `left_behind`: it has no equal here',
    }),
    id: z.string().nullable(),
    code: z.string().nullable().meta({ description: 'Why it was refused' }),
    errors: z.array(z.object({ path: z.string(), message: z.string() })),
    leftBehind: z
      .array(
        z.object({
          field: z.string().nullable().meta({ description: 'Null when all of it stays behind' }),
          reason: z.string(),
        }),
      )
      .meta({ description: 'What of it has no equal here, or was brought within a bound' }),
    draft: shownDraft.nullable().meta({ description: 'In a dry run, what would be registered' }),
    secretNames: z.array(z.string()).meta({ description: 'The names of its secrets, which are never shown' }),
  })
  .meta({ id: 'ImportedMonitor' });

/** What became of another product's monitors. */
export const importReport = z
  .object({
    counts: z.object({ created: z.int(), valid: z.int(), refused: z.int(), leftBehind: z.int() }),
    monitors: z.array(importedMonitor).meta({ description: 'In the order of the export' }),
  })
  .meta({ id: 'ImportReport' });

/** @see importedMonitor */
export type ImportedMonitor = z.output<typeof importedMonitor>;
/** @see importReport */
export type ImportReport = z.output<typeof importReport>;
