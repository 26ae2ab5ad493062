import { z } from 'zod';
import { withControls } from './controls.js';

/** What a request may say to `performance_optimization`. */
export const performanceOptimizationParameters = withControls(
  z.object({
    analyzeQueries: z.boolean().default(true).describe('Report the slowest queries, where the database keeps them'),
    updateStatistics: z
      .boolean()
      .default(true)
      .describe('Bring the planner’s statistics of registered tables up to date'),
    optimizeIndexes: z.boolean().default(false).describe('Build the indexes of registered tables anew'),
  }),
).meta({ id: 'PerformanceOptimizationParameters' });

/** What `performance_optimization` reports. */
export const performanceOptimizationDetails = z.object({
  databases: z.array(
    z.object({
      database: z.string(),
      dialect: z.string(),
      tablesAnalyzed: z.number().int(),
      tablesBusy: z.array(z.string()),
      tablesMissing: z.array(z.string()),
      indexesRebuilt: z.number().int(),
      indexAdvice: z.array(
        z.object({
          table: z.string(),
          index: z.string(),
          finding: z.enum(['unused', 'duplicate', 'invalid']),
          bytes: z.number().nullable(),
          note: z.string(),
        }),
      ),
      slowQueries: z
        .object({
          available: z.boolean(),
          reason: z.string().nullable(),
          queries: z.array(z.object({ query: z.string(), calls: z.number(), meanMs: z.number() })),
        })
        .nullable(),
    }),
  ),
});
