import { z } from 'zod';
import { describeError, type OperationError } from '@dotmac/core';
import { instant } from '@dotmac/core/contract';
import { maintenanceErrors } from '../errors.js';
import type { CheckedUpdates } from '../policies/upkeep-policies.js';
import { apt } from '../updates/apt.js';
import { npm } from '../updates/npm.js';
import {
  PackageManagerError,
  type AppliedUpdates,
  type PackageManager,
  type PendingUpdate,
  type PendingUpdates,
} from '../updates/package-manager.js';
import { setback } from './setback.js';
import type { PlanContext, TaskContext } from './task.js';

const update = z.object({
  name: z.string(),
  current: z.string().nullable(),
  available: z.string().nullable(),
  isSecurity: z.boolean(),
  severity: z.enum(['low', 'moderate', 'high', 'critical']).nullable(),
  isHeldBack: z
    .boolean()
    .describe('It does not come by itself: other packages, or a new major version, stand in its way'),
  note: z.string().nullable(),
});

/** What became of one policy's packages. */
export const updateReport = z.object({
  policy: z.string(),
  manager: z.enum(['apt', 'npm']),
  outcome: z
    .enum(['done', 'partial', 'busy', 'failed', 'unconfirmed'])
    .describe(
      'partial: the run was over, or its budget used up, before all were applied; busy: another run was at it; unconfirmed: it waits for a confirmation',
    ),
  reason: z.string().nullable().describe('Why it failed, or why updates were not applied'),
  pending: z.number().int().describe('Updates that were there to begin with'),
  pendingSecurity: z.number().int(),
  updates: z.array(update).describe('Those of security first; at most 200'),
  knownAt: instant.nullable().describe('When the manager last learned what there is; null where it asks each time'),
  restartRequired: z.boolean(),
  applied: z.array(z.string()),
});

/** @see updateReport */
export type UpdateReport = z.output<typeof updateReport>;

const mostShown = 200;
const staleMs = 7 * 86_400_000;

const managerOf = ({ manager, directory = '', options = [], refresh = false }: CheckedUpdates): PackageManager =>
  manager === 'apt' ? apt({ options, refresh }) : npm({ directory, options });

/** The report of packages that nobody looked at. */
export function nothingPending({ name, manager }: CheckedUpdates): Omit<UpdateReport, 'outcome'> {
  const counts = { pending: 0, pendingSecurity: 0, updates: [], applied: [] };
  return { policy: name, manager, reason: null, ...counts, knownAt: null, restartRequired: false };
}

/**
 * The pending updates of one policy, by what is known: the archives are not asked.
 * @throws PACKAGES_NOT_READ
 */
export async function look(context: PlanContext, policy: CheckedUpdates): Promise<PendingUpdates> {
  try {
    return await managerOf(policy).pending(context.signal, true);
  } catch (error) {
    const reason = reasonOf(context, policy, error);
    throw maintenanceErrors.PACKAGES_NOT_READ({ policy: policy.name, reason }, { cause: error });
  }
}

/** A look does not ask the archives where a run does: how old what it says is. */
export function ageOf({ name, refresh = false }: CheckedUpdates, { knownAt }: PendingUpdates): string[] {
  if (!refresh) return [];
  const when = knownAt === null ? 'They never were' : `They last were at ${new Date(knownAt).toISOString()}`;
  return [`${name}: the archives are not asked for a plan. ${when}; a run asks them first.`];
}

/** Why a package manager failed, in words that can be shown; throws what is not its failure. */
function reasonOf({ logger }: PlanContext, { name }: CheckedUpdates, error: unknown): string {
  if (!(error instanceof PackageManagerError)) throw error;
  logger.warn({ policy: name, ...describeError(error) }, 'a package manager did not do what it was asked to');
  return error.message;
}

/** What people should know of it, besides the updates. */
export function warningsOf(
  { name }: CheckedUpdates,
  { updates, knownAt, restartRequired }: PendingUpdates,
  now: number,
): string[] {
  const security = updates.filter(({ isSecurity }) => isSecurity);
  const held = security.filter(({ isHeldBack }) => isHeldBack);
  return [
    security.length > 0 && `${name}: ${security.length} updates of security are pending.`,
    held.length > 0 && `${name}: ${held.length} of them do not come by themselves.`,
    knownAt !== null &&
      now - knownAt > staleMs &&
      `${name}: the archives were last asked ${Math.floor((now - knownAt) / 86_400_000)} days ago.`,
    restartRequired && `${name}: the machine wants a restart.`,
  ].filter((it) => it !== false);
}

/** What is applied where it may be. */
export const wantedOf = ({ updates }: PendingUpdates): PendingUpdate[] =>
  updates.filter(({ isSecurity, isHeldBack }) => isSecurity && !isHeldBack);

/** What came of one policy. */
export interface Updated {
  report: UpdateReport;
  fault?: OperationError | undefined;
  /** What is left is more, in one piece, than the budget of items allows. */
  overBudget?: boolean | undefined;
}

/** Reports one policy's updates; applies those of security when `apply` is set and the policy lets it. */
export async function updatePackages(context: TaskContext, policy: CheckedUpdates, apply: boolean): Promise<Updated> {
  let report: UpdateReport = { ...nothingPending(policy), outcome: 'done' };
  const { name, maxShare } = policy;
  let isApplying = false;
  const failed = (reason: string, cause?: unknown): Updated => {
    context.note(`${name}: ${reason}`);
    const wording = isApplying ? maintenanceErrors.PACKAGES_NOT_UPDATED : maintenanceErrors.PACKAGES_NOT_READ;
    return { report: { ...report, outcome: 'failed', reason }, fault: wording({ policy: name, reason }, { cause }) };
  };
  try {
    const pending = await managerOf(policy).pending(context.signal);
    for (const warning of warningsOf(policy, pending, context.asOf)) context.note(warning);
    const { knownAt, restartRequired } = pending;
    const updates = pending.updates.toSorted((a, b) => Number(b.isSecurity) - Number(a.isSecurity));
    const security = updates.filter(({ isSecurity }) => isSecurity);
    const counts = { pending: updates.length, pendingSecurity: security.length };
    report = { ...report, ...counts, updates: updates.slice(0, mostShown), knownAt, restartRequired };
    const applies = apply && policy.apply === 'security';
    const planned = applies ? wantedOf(pending).length : null;
    const progress = await context.target({ target: `packages:${name}`, planned, total: updates.length, maxShare });
    if (progress.isDone) return { report };
    // What is begun is not cut off: whoever wants the run to end is heard before. No cursor says where to go on: it may go on by
    // itself when this process dies, and is not to be taken up beside that.
    if (applies && (await context.onDatabase(undefined)) === null) return { report: { ...report, outcome: 'partial' } };
    context.signal.throwIfAborted();
    isApplying = true;
    const { applied, refused, fault, left, installed }: AppliedUpdates = applies
      ? await managerOf(policy).applySecurity(security, progress.remaining, context.signal)
      : { applied: [], refused: null, left: 0 };
    if (fault === undefined && left === 0) progress.done();
    await progress.advance({ seen: updates.length, cleaned: applied.length, spent: installed ?? applied.length });
    report = { ...report, reason: refused, applied };
    if (fault !== undefined) return failed(fault);
    if (left === 0) return { report };
    context.note(`${name}: ${left} updates of security wait, because of the budget of items.`);
    return { report: { ...report, outcome: 'partial' }, overBudget: true };
  } catch (error) {
    // What was begun is told, whoever wanted the run to end meanwhile; what is still being chosen is not begun.
    if (!isApplying || error === context.signal.reason) context.signal.throwIfAborted();
    if (error instanceof PackageManagerError) return failed(reasonOf(context, policy, error), error);
    const { outcome, message, fault } = setback(context, name, error);
    return { report: { ...report, outcome, reason: message }, fault };
  }
}
