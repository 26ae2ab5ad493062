import type { LifecycleContext } from '../../context.js';
import { lifecycleErrors } from '../../errors.js';
import type { ApprovalStep } from '../definition.js';
import { expiredOrWaiting } from './action.js';
import { begun, completed, refused } from './forward.js';
import type { StepResult, StepWork } from './result.js';

const defaultExpiryMs = 30 * 24 * 3_600_000;

/** Looks what people decided. Their decisions are kept by themselves, and may be there before the run is. */
export async function runApproval(
  context: LifecycleContext,
  { run, step, definition }: StepWork<ApprovalStep>,
): Promise<StepResult> {
  const { store, clock } = context;
  const { quorum = 1, expiresInMs = defaultExpiryMs } = definition.approval;
  const { key } = step;
  const decisions = await store.tenant(run.tenantId).signals.list(run.id, key);
  const asked =
    step.status === 'waiting'
      ? step
      : { ...begun(step, clock.now()), status: 'waiting' as const, waitUntil: clock.now() + expiresInMs };
  const rejection = decisions.find(({ kind }) => kind === 'reject');
  if (rejection) {
    const { by, comment } = rejection;
    return refused(context, asked, lifecycleErrors.STEP_REJECTED({ step: key, by, comment }).message);
  }
  const approvals = decisions.filter(({ kind }) => kind === 'approve');
  if (approvals.length >= quorum) {
    const approvedBy = approvals.map(({ by, at, comment }) => ({ by, at, comment }));
    return { step: completed(run, asked, { approvedBy }, clock.now()), direction: 'forward' };
  }
  return expiredOrWaiting(context, asked, lifecycleErrors.APPROVAL_EXPIRED({ step: key }).message);
}
