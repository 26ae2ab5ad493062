import type { z } from 'zod';
import type { OperationError } from '@dotmac/core';
import type { Finding, Severity } from '../databases/finding.js';
import { isToEnd } from '../databases/rows/delete-rows.js';
import { refused } from '../databases/refused.js';
import { worthRetrying } from '../databases/rows/retry.js';
import { rowDialect } from '../databases/row-dialects.js';
import { tableResource } from '../databases/table-resource.js';
import {
  performanceOptimizationDetails,
  performanceOptimizationParameters,
} from './performance-optimization.schema.js';
import { whenBearable } from './bearable.js';
import { defaultRates, msFor } from './default-rates.js';
import { planned, type PlannedTarget } from './plan.js';
import { planEach } from './plan-each.js';
import { setback } from './setback.js';
import { defineMaintenanceTask, type TargetProgress, type TaskContext } from './task.js';
import { actionKey, actionOn, type UpkeepAction } from './upkeep-actions.js';
import {
  inspect,
  rebuild,
  subjectsOf,
  type Inspection,
  type UpkeepCursor,
  type UpkeepSubject,
} from './upkeep-database.js';

type Parameters = z.output<typeof performanceOptimizationParameters>;
type DatabaseReport = z.output<typeof performanceOptimizationDetails>['databases'][number];

const [slowQueriesShown, mostFindings, mostWarnings] = [10, 200, 100];
const severities: readonly Severity[] = ['critical', 'warning', 'info'];
const worstFirst = (findings: readonly Finding[]): Finding[] =>
  findings.toSorted((a, b) => severities.indexOf(a.severity) - severities.indexOf(b.severity));

/** Advice on registered databases, and upkeep where it is asked for and allowed. */
export const performanceOptimization = defineMaintenanceTask({
  type: 'performance_optimization',
  name: 'Performance optimization',
  description: 'Advises on registered databases, with the statements that act on each finding and take it back',
  parameters: performanceOptimizationParameters,
  details: performanceOptimizationDetails,
  check: ({ apply = [] }, { upkeep }) =>
    apply.flatMap((kind, place) =>
      upkeep.some((policy) => policy.apply.includes(kind))
        ? []
        : [{ path: `apply.${place}`, message: `The host lets no run act on ${kind} by itself` }],
    ),
  async plan(context, parameters) {
    const { policies, asOf, signal } = context;
    const plan = await planEach(context, subjectsOf(policies), async (subject) => {
      const { name } = subject;
      try {
        const { actions, advice } = await inspect(subject, parameters, asOf);
        const own: PlannedTarget[] = [];
        for (const [target, actionsOnIt] of byTarget(subject, actions)) {
          signal.throwIfAborted();
          own.push(await plannedTarget(subject, target, actionsOnIt));
        }
        const said = worstFirst(advice.findings).map(({ id, message }) => `${name}, ${id}: ${message}`);
        return { targets: own, warnings: said };
      } catch (error) {
        throw refused(name, error);
      }
    });
    return { ...plan, warnings: plan.warnings.slice(0, mostWarnings) };
  },
  async run(context, parameters) {
    const databases: DatabaseReport[] = [];
    let returnedBytes = 0;
    let fault: OperationError | undefined;
    const subjects = subjectsOf(context.policies);
    // What there is to do, only a look at each tells.
    for (const { name } of subjects) context.expect(`database:${name}`, null);
    for await (const [subject, there] of whenBearable(context, subjects, ({ name }) => name)) {
      const acted: Acted = { done: new Set(), busy: [], notRebuilt: [], bytes: 0 };
      try {
        const inspected = await inspect(subject, parameters, context.asOf);
        await act(there, subject, inspected.actions, acted);
        databases.push(await reportOf(subject, inspected, acted, parameters));
      } catch (error) {
        acted.fault ??= faultOf(context, subject.name, error);
        context.expect(`database:${subject.name}`, 0);
      }
      returnedBytes += acted.bytes;
      fault ??= acted.fault;
    }
    return { space: { returnedBytes }, details: { databases }, fault };
  },
});

const targetOf = ({ name }: UpkeepSubject, { table }: UpkeepAction): string =>
  table === null ? `database:${name}` : tableResource(name, { table });

function byTarget(subject: UpkeepSubject, actions: readonly UpkeepAction[]): Map<string, UpkeepAction[]> {
  const targets = new Map<string, UpkeepAction[]>();
  for (const action of actions) {
    const target = targetOf(subject, action);
    targets.set(target, [...(targets.get(target) ?? []), action]);
  }
  return targets;
}

async function plannedTarget(
  { on, upkeep }: UpkeepSubject,
  target: string,
  actions: readonly UpkeepAction[],
): Promise<PlannedTarget> {
  const does = [...new Set(actions.map((it) => it.does))].join(', ');
  const sample = actions.flatMap((it) => (it.does === 'rebuild' ? [it.index] : [])).slice(0, 10);
  const strategy = 'one after the other, beside the database’s other users';
  const { bytes } = await rowDialect(on).size(on.kysely, { table: actions[0]?.table ?? '' });
  const estimatedMs = actions.reduce((sum, it) => sum + msFor(bytes, defaultRates[rates[it.does]]), 0);
  const found = { target, action: does, items: actions.length, sample, strategy };
  // None of these has a plan that EXPLAIN could tell.
  const statements = actions.flatMap((it) => upkeep.statements(it)).map((text) => ({ sql: text, explain: [] }));
  return planned({ ...found, statements, bytes, bytesFrom: 'estimated', estimatedMs }, actions.map(actionKey));
}

const rates = { analyze: 'analyzed', vacuum: 'vacuumed', rebuild: 'rebuilt', compact: 'compacted' } as const;

interface Acted {
  done: Set<string>;
  busy: string[];
  notRebuilt: { index: string; reason: string }[];
  bytes: number;
  fault?: OperationError;
}

/** Tells of a part that failed, which keeps none of the others from its turn; throws what is not of that part alone. */
const faultOf = (context: TaskContext, part: string, error: unknown): OperationError | undefined =>
  setback(context, part, refused(part, error)).fault;

/** Does all that is to be done, table by table; no other run is at the table meanwhile. */
async function act(
  context: TaskContext,
  subject: UpkeepSubject,
  actions: readonly UpkeepAction[],
  acted: Acted,
): Promise<void> {
  const targets = byTarget(subject, actions);
  context.expect(`database:${subject.name}`, 0);
  for (const [target, own] of targets) context.expect(target, own.length);
  for (const [target, own] of targets) {
    if (context.isOver) break;
    const progress = await context.target({ target, planned: own.length, total: null });
    if (progress.isDone) continue;
    const acting = context.exclusively(target, ({ signal }) =>
      actOn({ ...context, signal }, subject, own, progress, acted),
    );
    const goOn = await acting.catch((error: unknown) => {
      acted.fault ??= faultOf(context, target, error);
      context.expect(target, 0);
      return true;
    });
    if (goOn === null) acted.busy.push(own[0]?.table ?? subject.name);
    if (goOn === false) break;
  }
}

type Acting = Pick<TaskContext, 'clock' | 'note' | 'relief'> & {
  /** Aborts when the run is to end, or another works on the table now. */
  signal: AbortSignal;
};

/** False when no other target is to be begun. */
async function actOn(
  context: Acting,
  subject: UpkeepSubject,
  actions: readonly UpkeepAction[],
  progress: TargetProgress,
  acted: Acted,
): Promise<boolean> {
  const cursor: UpkeepCursor = { done: [], ...(progress.cursor as UpkeepCursor | undefined) };
  for (const action of actions) {
    const key = actionKey(action);
    if (cursor.done.includes(key)) continue;
    if (progress.remaining < 1) return false;
    const isDone = await perform(context, subject, action, cursor, progress, acted).catch((error: unknown) => {
      if (isToEnd(context.signal)) return null;
      if (context.signal.aborted || !worthRetrying(error)) throw error;
      // Somebody holds the table for longer than a run waits: an index that is built, a vacuum against wraparound.
      const busy = action.table ?? subject.name;
      context.note(`${busy}: others are at it; ${action.does} was left for the next run`);
      if (!acted.busy.includes(busy)) acted.busy.push(busy);
      return false;
    });
    // What was cut short is for the run that resumes this one, which knows by the cursor what was there before.
    if (isDone === null) return false;
    if (isDone) acted.done.add(key);
    cursor.done.push(key);
    delete cursor.rebuilding;
    if (!(await progress.advance({ seen: 1, cleaned: isDone ? 1 : 0, settled: 1, cursor }))) return false;
  }
  progress.done();
  return true;
}

/** Null when the run is to end first; throws when it was cut short. */
async function perform(
  { clock, signal, relief, note }: Acting,
  subject: UpkeepSubject,
  action: UpkeepAction,
  cursor: UpkeepCursor,
  progress: TargetProgress,
  acted: Acted,
): Promise<boolean | null> {
  signal.throwIfAborted();
  if (action.does === 'analyze') await subject.upkeep.analyze(action.table, { clock, signal, relief });
  else if (action.does === 'vacuum') await subject.upkeep.vacuum(action.table, { clock, signal, relief });
  else if (action.does === 'compact') await subject.upkeep.compact({ clock, signal, relief });
  else {
    const begin = (known: string[]): Promise<boolean> => {
      cursor.rebuilding = { index: action.index, known };
      return progress.keep(cursor);
    };
    const rebuilt = await rebuild(subject, action, cursor.rebuilding, { clock, signal, begin });
    acted.bytes += rebuilt.bytes;
    if (rebuilt.reason === null) return true;
    acted.notRebuilt.push({ index: action.index, reason: rebuilt.reason });
    note(`The index ${action.index} was not rebuilt: ${rebuilt.reason}`);
    return rebuilt.outcome === 'stopped' ? null : false;
  }
  return true;
}

async function reportOf(
  { name, on, upkeep }: UpkeepSubject,
  { advice, missing, apply }: Inspection,
  { done, busy, notRebuilt }: Acted,
  { analyzeQueries }: Parameters,
): Promise<DatabaseReport> {
  const count = (does: UpkeepAction['does']): number => [...done].filter((key) => key.startsWith(`${does}:`)).length;
  const slow = analyzeQueries ? await upkeep.slowQueries(slowQueriesShown) : null;
  const findings = worstFirst(advice.findings);
  return {
    database: name,
    dialect: on.dialect,
    tablesAnalyzed: count('analyze') + count('vacuum'),
    tablesBusy: busy,
    tablesMissing: missing,
    indexesRebuilt: count('rebuild'),
    indexesNotRebuilt: notRebuilt,
    findings: findings.slice(0, mostFindings).map((it) => {
      const action = actionOn(it, apply);
      return { ...it, applied: action !== null && done.has(actionKey(action)) };
    }),
    findingsLeftOut: Math.max(0, findings.length - mostFindings),
    notes: advice.notes,
    slowQueries: slow && { ...slow, queries: [...slow.queries] },
  };
}
