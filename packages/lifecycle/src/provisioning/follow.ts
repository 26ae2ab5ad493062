import { createHash } from 'node:crypto';
import type { OpenStream } from '@dotmac/core';
import type { LifecycleContext } from '../context.js';
import type { RunProgress } from './progress.js';
import { provisioningOf, type Provisioning, type Run } from './run.js';

/** What the streams of a run are told apart by. */
export const runTopic = (tenantId: string, runId: string): string => `${tenantId}/run/${runId}`;

/** How a run is followed. */
export interface RunFollowAsk {
  /** The last state that the reader knows. */
  lastEventId?: string | undefined;
  /** Ends the stream. */
  signal?: AbortSignal | undefined;
}

/** Tells how far a run is, until it is over: first all of it, then each step that changed. */
export async function* followRun(
  { store, clock }: LifecycleContext,
  { tenantId, id }: Run,
  stream: OpenStream,
  lastEventId: string | undefined,
): AsyncGenerator<RunProgress> {
  let [known, before]: [string | undefined, Provisioning | undefined] = [lastEventId, undefined];
  while (!stream.isOver) {
    const kept = await store.tenant(tenantId).runs.get(id);
    if (!kept) return;
    const [run, state] = [provisioningOf(kept), stateOf(kept)];
    const isOver = kept.nextAt === null && kept.status !== 'stuck';
    const told = (event: RunProgress['event'], step: RunProgress['step'] = null): RunProgress => {
      return { id: state, event, at: clock.now(), step, run };
    };
    if (state !== known) {
      const changed = before === undefined ? [] : changedSteps(before, run);
      for (const step of changed) yield told('step', step);
      if (changed.length === 0 && !isOver) yield told('run');
    }
    if (isOver) return yield told('ended');
    [known, before] = [state, run];
    await stream.news();
  }
}

function changedSteps(before: Provisioning, { steps }: Provisioning): Provisioning['steps'] {
  // The host's hooks join the steps when the run begins.
  const known = new Map(before.steps.map((step) => [step.name, JSON.stringify(step)]));
  return steps.filter((step) => JSON.stringify(step) !== known.get(step.name));
}

function stateOf({ status, direction, steps, cancelRequestedAt }: Run): string {
  const state = JSON.stringify([status, direction, cancelRequestedAt, steps]);
  return createHash('sha256').update(state).digest('base64url').slice(0, 22);
}
