import type { CancelTimer, Clock } from '@dotmac/core';
import type { RedisClient } from './client.js';

/** What ends the waiting for an answer. */
export interface Waits {
  clock: Pick<Clock, 'after'>;
  signal: AbortSignal;
}

/** How long a command may take, with all that a client does to be connected again. */
const answerMs = 30_000;
/** What is under way when a run is to end is waited for no longer: as a rule its answer is there at once, and counts. */
const graceMs = 1_000;

/**
 * The answer, if it comes in time. Clients that try a command for as long as it takes (`maxRetriesPerRequest: null`, as BullMQ
 * has it) never fail one while their server is away.
 * @throws the signal's reason when it has aborted, and no answer came soon after
 */
export function inTime<Answer>(
  answer: Promise<Answer>,
  { clock, signal }: Waits,
  { ms = answerMs, whose = 'Redis' }: { ms?: number; whose?: string } = {},
): Promise<Answer> {
  let cancels: CancelTimer[] = [];
  let onAbort = (): void => {};
  const late = new Promise<never>((_, reject) => {
    cancels.push(clock.after(ms, () => reject(new Error(`${whose} does not answer.`))));
    onAbort = () => cancels.push(clock.after(graceMs, () => reject(signal.reason as Error)));
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort, { once: true });
  });
  return Promise.race([answer, late]).finally(() => {
    signal.removeEventListener('abort', onAbort);
    for (const cancel of cancels) cancel();
    cancels = [];
  });
}

/** The client, of which every command is answered {@link inTime}, or fails. */
export function promptClient(client: RedisClient, waits: Waits): RedisClient {
  const { nodes } = client;
  return {
    callBuffer: (command, ...args) => inTime(client.callBuffer(command, ...args), waits),
    pipeline() {
      const pipeline = client.pipeline();
      return {
        callBuffer: (command, ...args) => pipeline.callBuffer(command, ...args),
        exec: () => inTime(pipeline.exec(), waits),
      };
    },
    ...(nodes && { nodes: (role) => nodes.call(client, role).map((node) => promptClient(node, waits)) }),
  };
}
