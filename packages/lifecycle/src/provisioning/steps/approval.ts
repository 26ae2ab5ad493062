import type { LifecycleContext } from '../../context.js';
import { lifecycleErrors } from '../../errors.js';
import { instantAfter } from '../../instant-after.js';
import type { ApprovalStep } from '../definition.js';
import type { Signal } from '../signal.js';
import { expiredOrWaiting, inTime } from './in-time.js';
import { begun, completed, refused } from './forward.js';
import type { StepResult, StepWork } from './result.js';

const defaultExpiryMs = 30 * 24 * 3_600_000;

/** What decisions come to: one that rejects is enough. Undefined: some are missing, and may still be made. */
export function verdictOf(
  { approval: { quorum = 1 } }: ApprovalStep,
  decisions: readonly Signal[],
): { rejection: Signal } | { approvals: Signal[] } | undefined {
  const rejection = decisions.find(({ kind }) => kind === 'reject');
  if (rejection) return { rejection };
  const approvals = decisions.filter(({ kind }) => kind === 'approve');
  return approvals.length >= quorum ? { approvals } : undefined;
}

/**
 * Looks what people decided before the time was up, however late it is by now. Their decisions are kept by themselves,
 * and may be there before the run is.
 */
export async function runApproval(
  context: LifecycleContext,
  { run, step, definition }: StepWork<ApprovalStep>,
): Promise<StepResult> {
  const { store, clock } = context;
  const { expiresInMs = defaultExpiryMs } = definition.approval;
  const { key } = step;
  const decisions = await store.tenant(run.tenantId).signals.list(run.id, key);
  const asked =
    step.status === 'waiting'
      ? step
      : { ...begun(step, clock.now()), status: 'waiting' as const, waitUntil: instantAfter(clock.now(), expiresInMs) };
  const verdict = verdictOf(definition, inTime(asked, decisions));
  if (!verdict) {
    const expired = lifecycleErrors.APPROVAL_EXPIRED({ step: key }).message;
    return { ...expiredOrWaiting(context, asked, expired), heard: decisions.length };
  }
  if ('rejection' in verdict) {
    const { by, comment } = verdict.rejection;
    return refused(context, asked, lifecycleErrors.STEP_REJECTED({ step: key, by, comment }).message);
  }
  const approvedBy = verdict.approvals.map(({ by, at, comment }) => ({ by, at, comment }));
  return { step: completed(run, asked, { approvedBy }, clock.now()), direction: 'forward' };
}
