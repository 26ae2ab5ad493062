import type { Clock } from '@dotmac/core';
import { maintenanceErrors } from '../errors.js';
import { resultOf } from './result.js';
import type { Run } from './run.js';
import type { RunEvent } from './schemas.js';

/** Follows runs of any process, by what the store has of them. */
export interface RunFollower {
  /**
   * What a run says of itself, whenever that is news; its end is the last.
   * @throws RUN_STREAM_LIMIT_REACHED
   */
  follow(run: Run, read: () => Promise<Run | null>, signal?: AbortSignal): AsyncIterable<RunEvent>;
}

const askMs = 1_000;
const mostStreams = 200;

/** @see RunFollower */
export function createRunFollower(clock: Clock): RunFollower {
  let open = 0;
  async function* events(first: Run, read: () => Promise<Run | null>, signal?: AbortSignal): AsyncGenerator<RunEvent> {
    try {
      let told = -1;
      for (let run: Run | null = first; run !== null && !signal?.aborted; run = await read()) {
        const isOver = run.status !== 'running';
        const at = run.endedAt ?? run.progress?.updatedAt ?? run.startedAt;
        if (isOver || at !== told)
          yield { id: `${run.id}-${at}`, event: isOver ? 'ended' : 'progress', data: resultOf(run) };
        if (isOver) return;
        told = at;
        await clock.sleep(askMs, signal).catch(() => undefined);
      }
    } finally {
      open -= 1;
    }
  }
  return {
    follow(run, read, signal) {
      if (open >= mostStreams) throw maintenanceErrors.RUN_STREAM_LIMIT_REACHED({ limit: mostStreams });
      open += 1;
      return events(run, read, signal);
    },
  };
}
