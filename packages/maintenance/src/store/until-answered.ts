import { describeError, isOperationError, type Clock, type Logger } from '@dotmac/core';

/** How a store is asked that does not answer. */
export interface Asking {
  clock: Pick<Clock, 'sleep'>;
  logger: Logger;
  /** Ends it. */
  signal: AbortSignal;
  /** Is an error one that may pass? Default: that the store is out of reach. */
  mayPass?: (error: unknown) => boolean;
}

const [firstWaitMs, longestWaitMs] = [1_000, 10_000];
/** Is it one of a store that may answer later? */
export const isOutOfReach = (error: unknown): boolean => isOperationError(error, 'STORE_UNAVAILABLE');

/**
 * Asks a store until it answers: a second after it did not, then after twice as long each time, up to ten.
 * @param ask what makes no difference when it is done twice: an answer may be lost
 * @throws what it failed by, when that will not pass, or the signal aborts
 */
export async function untilAnswered<Answer>(
  ask: () => Promise<Answer>,
  { clock, logger, signal, mayPass = isOutOfReach }: Asking,
): Promise<Answer> {
  for (let waitMs = firstWaitMs; ; waitMs = Math.min(longestWaitMs, 2 * waitMs)) {
    try {
      return await ask();
    } catch (error) {
      if (!mayPass(error) || signal.aborted) throw error;
      logger.warn({ waitMs, ...describeError(error) }, 'the store of maintenance did not answer, and is asked again');
      await clock.sleep(waitMs, signal).catch(() => {
        throw error;
      });
    }
  }
}
