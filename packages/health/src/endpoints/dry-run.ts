import { z } from 'zod';

/** Of the imports: to say what would become of each, and keep nothing. */
export const dryRunQuery = z.object({
  dryRun: z.stringbool().default(false).meta({ description: 'Say what would become of each, and keep nothing' }),
});
