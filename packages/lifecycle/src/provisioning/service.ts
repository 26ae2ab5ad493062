import { isDeepStrictEqual } from 'node:util';
import type { ScopeIdentity } from '@dotmac/core';
import { readDraft, type Page } from '@dotmac/core/contract';
import type { LifecycleContext } from '../context.js';
import type { CommandOptions } from '../customers/command-options.js';
import { lifecycleErrors } from '../errors.js';
import { runKey } from '../store/store.js';
import { readCompletionToken } from './completion-token.js';
import { cancelRequested } from './cancel.js';
import { changeRun, mustBeOpen, toldOf } from './change-run.js';
import {
  forceInput,
  interventionInput,
  runListQuery,
  type ForceDraft,
  type InterventionDraft,
  type RunListDraft,
} from './intervention.js';
import type { ServiceStep } from './definition.js';
import { explainRun } from './explain.js';
import type { RunCommand, RunCommandExplanation } from './explanation.js';
import { followRun, runTopic, type RunFollowAsk } from './follow.js';
import type { RunProgress } from './progress.js';
import { forced, retried, skipped } from './intervene.js';
import { provisioningOf, type Provisioning, type Run, type RunStep } from './run.js';
import { stoppedBefore } from './may-give.js';
import { completionInput, decisionInput, type CompletionDraft, type DecisionDraft, type Signal } from './signal.js';
import { isTimeUp } from './steps/in-time.js';
import { verdictOf } from './steps/approval.js';
import { wakeRun } from './wake.js';

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
   * May this be asked of a run now?
   * @throws PROVISIONING_NOT_FOUND
   */
  can(requestId: string, command: RunCommand): Promise<boolean>;
  /**
   * The same of every command, with reasons; of `cancel` also what it would come to.
   * @throws PROVISIONING_NOT_FOUND
   */
  explain(requestId: string): Promise<RunCommandExplanation[]>;
  /**
   * Asks a run to stop. A step that is under way is cut short: in this process at once, in another within `leaseMs / 3`,
   * as also in this one when it is asked in a transaction that the host opened.
   * A run that sets up a service, changes its plan or takes it down undoes what it did; where nothing undoes a step of taking
   * down, it is stuck until somebody has. One that suspends, throttles or resumes stops where it is, and what its service
   * should be given by now follows at once. So that this is not the same again, the reasons that wanted it do not count for
   * the service any more, resuming opens a reason of the service's own (`resume_cancelled`), and a service that is not taken
   * down stays though its customer has left. `explain` says which, ahead. Stuck runs may be cancelled too. Asked again before
   * the run has turned back, it is answered as the first time; from then on it is refused (RUN_NOT_OPEN): what is being
   * undone is undone to the end.
   * @throws PROVISIONING_NOT_FOUND, RUN_NOT_OPEN, TEMPLATE_NOT_REGISTERED (which reasons count is not known here)
   */
  cancel(requestId: string, options?: CommandOptions): Promise<Provisioning>;
  /**
   * Approves or rejects a step, each actor once; also before the run has come to it. The one that rejects, or completes
   * the quorum, is the last: who comes after it, or after the time that the step waits, is told that it is over
   * (STEP_NOT_DECIDABLE).
   * @throws PROVISIONING_NOT_FOUND, RUN_NOT_OPEN, STEP_NOT_DECIDABLE, DECISION_MADE, TEMPLATE_NOT_REGISTERED
   */
  decide(requestId: string, draft: DecisionDraft, options?: CommandOptions): Promise<Provisioning>;
  /**
   * Ends a step from outside, by the token that it was given, within the time that it waits; the first answer counts: the
   * same one again is taken as said, and another is refused.
   * @throws COMPLETION_TOKEN_INVALID, RUN_NOT_OPEN, STEP_NOT_DECIDABLE, TEMPLATE_NOT_REGISTERED
   */
  complete(draft: CompletionDraft, options?: CommandOptions): Promise<Provisioning>;
  /**
   * Has a stuck run try its failed step anew: it is decided again, by whoever did before too, and completed by a new token.
   * @throws PROVISIONING_NOT_FOUND, RUN_NOT_OPEN
   */
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
  const { store, clock, templates, cancellations, streams } = context;
  const { customers, runs, services, signals } = store.tenant(identity.tenantId);
  const change = changeRun(context, identity);
  /**
   * Wakes the run once the change is committed, and cuts short what it does. Of a transaction that the host opened nobody
   * is told the end: then the next renewal of the lease looks, and the sweep, as for a wake-up that is lost.
   */
  const goOn = async (run: Run, { trx }: CommandOptions = {}, isCut = false): Promise<Provisioning> => {
    const tell = async (): Promise<void> => {
      if (isCut) cancellations.emit(runKey(run.tenantId, run.id));
      if (run.nextAt !== null) await wakeRun(context, run.tenantId, run.id);
    };
    if (trx) store.afterCommit(trx, () => void tell());
    else await tell();
    return provisioningOf(run);
  };
  /**
   * What a step does that can still be spoken to, in this round if one is meant.
   * @throws STEP_NOT_DECIDABLE, TEMPLATE_NOT_REGISTERED
   */
  const listening = (run: Run, stepKey: string, round?: number): { step: RunStep; definition: ServiceStep } => {
    const step = run.steps.find(({ key }) => key === stepKey);
    const isOver = step?.status === 'completed' || step?.status === 'skipped';
    if (!step || isOver || (round !== undefined && round !== (step.round ?? 0)))
      throw lifecycleErrors.STEP_NOT_DECIDABLE({ step: stepKey });
    const template = templates.registered(run);
    const definition = template.stepsOf(run.operation)?.find(({ key }) => key === stepKey);
    if (!definition) throw lifecycleErrors.STEP_NOT_DECIDABLE({ step: stepKey });
    return { step, definition };
  };
  const say = async (run: Run, signal: Signal, trx: Parameters<typeof signals.add>[1]): Promise<void> => {
    if (await signals.add(signal, trx)) await runs.wakeWaiting(run.id, clock.now(), trx);
  };

  const find = async (requestId: string): Promise<Run> => {
    const run = await runs.get(requestId);
    if (!run) throw lifecycleErrors.PROVISIONING_NOT_FOUND({ requestId });
    return run;
  };
  const explain = async (requestId: string): Promise<RunCommandExplanation[]> => {
    const run = await find(requestId);
    const customer = await customers.get(run.customerId);
    if (!customer) throw lifecycleErrors.PROVISIONING_NOT_FOUND({ requestId });
    const service = await services.get(run.serviceId);
    return explainRun(context, { run, customer, service, stopped: await stoppedBefore(context, run) });
  };

  return {
    get: async (requestId) => provisioningOf(await find(requestId)),
    can: async (requestId, command) => (await explain(requestId)).some((it) => it.command === command && it.allowed),
    explain,
    async follow(requestId, { lastEventId, signal } = {}) {
      const run = await find(requestId);
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
      const run = await change({ command: 'cancel', requestId }, options, cancelRequested(context, identity));
      return goOn(run, options, true);
    },
    async decide(requestId, draft, options) {
      const input = readDraft(decisionInput, draft);
      const { step, decision, comment } = input;
      const { actor: by } = identity;
      const run = await change({ command: 'decide', requestId, input }, options, async ({ run, at, trx }) => {
        mustBeOpen(run);
        const { definition: asked, step: kept } = listening(run, step);
        // Under the run's lock, so that the decision that completes a quorum is the last one.
        const made = await signals.list(requestId, step, trx);
        if (made.some((decision) => decision.by === by)) throw lifecycleErrors.DECISION_MADE({ step, by });
        if (!('approval' in asked) || verdictOf(asked, made) || isTimeUp(kept, at))
          throw lifecycleErrors.STEP_NOT_DECIDABLE({ step });
        const signal = { runId: requestId, stepKey: step, by, kind: decision, comment, output: null, at };
        await say(run, signal, trx);
        return { run, event: { name: 'service.step_decided', data: { ...toldOf(run), step, decision, comment } } };
      });
      return goOn(run, options);
    },
    async complete(draft, options) {
      const input = readDraft(completionInput, draft);
      const { token, outcome, output = null, error: comment } = input;
      const target = readCompletionToken(context, token);
      if (target?.tenantId !== identity.tenantId) throw lifecycleErrors.COMPLETION_TOKEN_INVALID({});
      const { runId, stepKey, round } = target;
      const run = await change({ command: 'complete', requestId: runId, input }, options, async ({ run, at, trx }) => {
        mustBeOpen(run);
        const { definition: asked, step: kept } = listening(run, stepKey, round);
        const [first] = await signals.list(runId, stepKey, trx);
        const kind = outcome === 'completed' ? 'complete' : 'fail';
        const signal: Signal = { runId, stepKey, by: 'completion', kind, comment, output, at };
        const comesToNothing = first ? !isDeepStrictEqual({ ...first, at }, signal) : isTimeUp(kept, at);
        if (!('run' in asked) || !asked.completion || comesToNothing)
          throw lifecycleErrors.STEP_NOT_DECIDABLE({ step: stepKey });
        await say(run, signal, trx);
        return { run };
      });
      return goOn(run, options);
    },
    async retry(requestId, draft = {}, options) {
      const input = readDraft(interventionInput, draft);
      const asked = { command: 'retry', requestId, input };
      return goOn(await change(asked, options, retried(context, input.note)), options);
    },
    async skip(requestId, draft = {}, options) {
      const input = readDraft(interventionInput, draft);
      const asked = { command: 'skip', requestId, input };
      return goOn(await change(asked, options, skipped(context, input.note)), options);
    },
    async force(requestId, draft, options) {
      const input = readDraft(forceInput, draft);
      const { outcome, note } = input;
      const asked = { command: 'force', requestId, input };
      return provisioningOf(await change(asked, options, forced(context, identity, outcome, note)));
    },
  };
}
