import { z } from 'zod';
import { freeForm, instant } from '@dotmac/core/contract';
import { appliedKinds, findingKinds } from '../databases/finding.js';
import { withControls } from './controls.js';

/** What a request may say to `performance_optimization`. */
export const performanceOptimizationParameters = withControls(
  z.object({
    analyzeQueries: z.boolean().default(true).describe('Report the slowest queries, where the database keeps them'),
    updateStatistics: z
      .boolean()
      .default(true)
      .describe('Bring the planner’s statistics of tables with a retention policy up to date'),
    optimizeIndexes: z.boolean().default(false).describe('Build the indexes of these tables anew'),
    apply: z
      .array(z.enum(appliedKinds))
      .max(appliedKinds.length)
      .default([])
      .describe('Kinds of findings to act on; the host allows which'),
    checkIntegrity: z
      .boolean()
      .default(false)
      .describe('Read every page of SQLite files and see whether they are sound; the process waits for it'),
  }),
).meta({ id: 'PerformanceOptimizationParameters' });

const finding = z
  .object({
    id: z.string().describe('The same in every run, as long as it is the same finding'),
    kind: z.enum(findingKinds),
    severity: z.enum(['info', 'warning', 'critical']),
    table: z.string().nullable(),
    object: z.string().nullable().describe('The index, column, sequence, session or slot'),
    message: z.string(),
    evidence: freeForm.describe('What it is concluded from, as the database said it'),
    countedSince: instant.nullable().describe('Since when the evidence was counted; null for what is so right now'),
    risk: z.string().describe('What to think of before applying it'),
    applySql: z.array(z.string()).describe('Does away with it; each by itself, in no transaction'),
    undoSql: z.array(z.string()).describe('Brings back what it took'),
    bytes: z.number().nullable().describe('What applying it gives back, estimated'),
    applied: z.boolean().describe('This run has acted on it'),
  })
  .meta({ id: 'DatabaseFinding' });

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
      indexesNotRebuilt: z.array(z.object({ index: z.string(), reason: z.string() })),
      findings: z.array(finding).describe('The worst first; at most 200'),
      findingsLeftOut: z.number().int(),
      notes: z.array(z.string()).describe('What could not be judged, and why'),
      slowQueries: z
        .object({
          available: z.boolean(),
          reason: z.string().nullable(),
          queries: z.array(z.object({ query: z.string(), calls: z.number(), meanMs: z.number(), totalMs: z.number() })),
        })
        .nullable(),
    }),
  ),
});
