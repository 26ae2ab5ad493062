import type { ScopeIdentity } from '@dotmac/core';
import { readDraft, type Page } from '@dotmac/core/contract';
import type { LifecycleContext } from '../context.js';
import type { CommandOptions } from '../customers/perform.js';
import { lifecycleErrors } from '../errors.js';
import { runKey } from '../store/store.js';
import { readCompletionToken } from './completion-token.js';
import { changeRun } from './change-run.js';
import {
  forceInput,
  interventionInput,
  runListQuery,
  type ForceDraft,
  type InterventionDraft,
  type RunListDraft,
} from './intervention.js';
import { followRun, runTopic, type RunFollowAsk } from './follow.js';
import type { RunProgress } from './progress.js';
import { forced, retried, skipped } from './intervene.js';
import { provisioningOf, type Provisioning, type Run } from './run.js';
import { completionInput, decisionInput, type CompletionDraft, type DecisionDraft, type Signal } from './signal.js';
import { kindOf } from './template.js';

/** One tenant's provisioning runs. */
export interface ProvisioningService {
  /** How far a run is. @throws PROVISIONING_NOT_FOUND */
  get(requestId: string): Promise<Provisioning>;
  /**
   * How far a run is, as it goes on: all of it first, then each step that changed, until it is over.
   * @throws PROVISIONING_NOT_FOUND, STREAM_LIMIT_REACHED, STREAMS_FULL, STREAMS_ENDED
   *
   * @example
   * for await (const { step, run } of await scope.provisioning.follow(id)) show(step?.name, run.message);
   */
  follow(requestId: string, ask?: RunFollowAsk): Promise<AsyncIterable<RunProgress>>;
  /** Runs by id, newest first, a page at a time; those in one status, e.g. `stuck`, if asked. */
  list(draft?: RunListDraft): Promise<Page<Provisioning>>;
  /**
   * Asks a run that sets up or changes a service to stop, and to undo what it did. A step that is under way is cut
   * short and undone like one whose outcome is unknown.
   * @throws PROVISIONING_NOT_FOUND, RUN_NOT_OPEN, RUN_NOT_CANCELLABLE
   */
  cancel(requestId: string, options?: CommandOptions): Promise<Provisioning>;
  /**
   * Approves or rejects a step, each actor once; also before the run has come to it.
   * @throws PROVISIONING_NOT_FOUND, RUN_NOT_OPEN, STEP_NOT_DECIDABLE, DECISION_MADE
   */
  decide(requestId: string, draft: DecisionDraft, options?: CommandOptions): Promise<Provisioning>;
  /**
   * Ends a step from outside, by the token that it was given; the first answer counts, and the same one again is taken
   * as said.
   * @throws COMPLETION_TOKEN_INVALID, RUN_NOT_OPEN, STEP_NOT_DECIDABLE
   */
  complete(draft: CompletionDraft, options?: CommandOptions): Promise<Provisioning>;
  /** Has a stuck run try its failed step again. @throws PROVISIONING_NOT_FOUND, RUN_NOT_OPEN */
  retry(requestId: string, draft?: InterventionDraft, options?: CommandOptions): Promise<Provisioning>;
  /** Has a stuck run go on without its failed step. @throws PROVISIONING_NOT_FOUND, RUN_NOT_OPEN */
  skip(requestId: string, draft?: InterventionDraft, options?: CommandOptions): Promise<Provisioning>;
  /**
   * Ends a stuck run by saying what is true: `completed`, or `failed`. Nothing is called any more.
   * @throws PROVISIONING_NOT_FOUND, RUN_NOT_OPEN
   */
  force(requestId: string, draft: ForceDraft, options?: CommandOptions): Promise<Provisioning>;
}

/** The provisioning of one scope. */
export function provisioningService(context: LifecycleContext, identity: ScopeIdentity): ProvisioningService {
  const { store, clock, templates, waker, cancellations, streams } = context;
  const { runs, signals } = store.tenant(identity.tenantId);
  const change = changeRun(context, identity);
  /** Wakes the run once it is committed; a wake-up that is lost is found by the sweep. */
  const woken = async (run: Run): Promise<Provisioning> => {
    if (run.nextAt !== null) await waker.wake(runKey(run.tenantId, run.id), clock.now());
    return provisioningOf(run);
  };
  const of = ({ id: requestId, serviceId, serviceName, operation }: Run) => ({
    requestId,
    serviceId,
    serviceName,
    operation,
  });
  const mustBeOpen = (run: Run): void => {
    const { id: requestId, status } = run;
    if (run.nextAt === null || run.direction === 'backward')
      throw lifecycleErrors.RUN_NOT_OPEN({ requestId, status, wanted: 'going on' });
  };
  const listens = (run: Run, stepKey: string, wants: 'approval' | 'completion'): boolean => {
    const step = run.steps.find(({ key }) => key === stepKey);
    const definition = templates
      .of(run)
      ?.stepsOf(run.operation)
      ?.find(({ key }) => key === stepKey);
    if (!step || !definition || step.status === 'completed' || step.status === 'skipped') return false;
    return wants === 'approval'
      ? kindOf(definition) === 'approval'
      : 'run' in definition && definition.completion !== undefined;
  };
  const say = async (run: Run, signal: Signal, trx: Parameters<typeof signals.add>[1]): Promise<boolean> => {
    const isNew = await signals.add(signal, trx);
    if (isNew) await runs.wakeWaiting(run.id, clock.now(), trx);
    return isNew;
  };

  return {
    async get(requestId) {
      const run = await runs.get(requestId);
      if (!run) throw lifecycleErrors.PROVISIONING_NOT_FOUND({ requestId });
      return provisioningOf(run);
    },
    async follow(requestId, { lastEventId, signal } = {}) {
      const run = await runs.get(requestId);
      if (!run) throw lifecycleErrors.PROVISIONING_NOT_FOUND({ requestId });
      const { tenantId } = identity;
      return streams.follow({
        ...{ tenantId, topic: runTopic(tenantId, requestId), signal },
        items: (stream) => followRun(context, run, stream, lastEventId),
      });
    },
    async list(draft = {}) {
      const { items, nextCursor } = await runs.list(readDraft(runListQuery, draft));
      return { items: items.map(provisioningOf), nextCursor };
    },
    async cancel(requestId, options) {
      const run = await change({ command: 'cancel', requestId }, options, async ({ run, at, trx }) => {
        mustBeOpen(run);
        if (run.operation !== 'provision' && run.operation !== 'change_plan')
          throw lifecycleErrors.RUN_NOT_CANCELLABLE({ operation: run.operation });
        if (run.cancelRequestedAt !== null) return { run };
        await runs.requestCancel(requestId, at, trx);
        const event = { name: 'service.cancel_requested', data: of(run) } as const;
        return { run: { ...run, cancelRequestedAt: at, nextAt: at }, event };
      });
      cancellations.get(runKey(run.tenantId, run.id))?.();
      return woken(run);
    },
    async decide(requestId, draft, options) {
      const input = readDraft(decisionInput, draft);
      const { step, decision, comment } = input;
      const { actor: by } = identity;
      const run = await change({ command: 'decide', requestId, input }, options, async ({ run, at, trx }) => {
        mustBeOpen(run);
        if (!listens(run, step, 'approval')) throw lifecycleErrors.STEP_NOT_DECIDABLE({ step });
        const signal = { runId: requestId, stepKey: step, by, kind: decision, comment, output: null, at };
        if (!(await say(run, signal, trx))) throw lifecycleErrors.DECISION_MADE({ step, by });
        return { run, event: { name: 'service.step_decided', data: { ...of(run), step, decision, comment } } };
      });
      return woken(run);
    },
    async complete(draft, options) {
      const input = readDraft(completionInput, draft);
      const { token, outcome, output = null, error: comment } = input;
      const target = readCompletionToken(context, token);
      if (target?.tenantId !== identity.tenantId) throw lifecycleErrors.COMPLETION_TOKEN_INVALID({});
      const { runId, stepKey } = target;
      const run = await change({ command: 'complete', requestId: runId, input }, options, async ({ run, at, trx }) => {
        mustBeOpen(run);
        if (!listens(run, stepKey, 'completion')) throw lifecycleErrors.STEP_NOT_DECIDABLE({ step: stepKey });
        const kind = outcome === 'completed' ? 'complete' : 'fail';
        await say(run, { runId, stepKey, by: 'completion', kind, comment, output, at }, trx);
        return { run };
      });
      return woken(run);
    },
    async retry(requestId, draft = {}, options) {
      const input = readDraft(interventionInput, draft);
      const asked = { command: 'retry', requestId, input };
      return woken(await change(asked, options, retried(context, input.note)));
    },
    async skip(requestId, draft = {}, options) {
      const input = readDraft(interventionInput, draft);
      const asked = { command: 'skip', requestId, input };
      return woken(await change(asked, options, skipped(context, input.note)));
    },
    async force(requestId, draft, options) {
      const input = readDraft(forceInput, draft);
      const { outcome, note } = input;
      const asked = { command: 'force', requestId, input };
      return provisioningOf(await change(asked, options, forced(context, identity, outcome, note)));
    },
  };
}
