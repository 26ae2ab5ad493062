import { ConnectFailure } from '@dotmac/core/net';
import type { ServiceTarget } from './target.js';

/** What a target found out of itself, and when it was asked (`performance.now()`). */
type Answer = Awaited<ReturnType<ServiceTarget['check']>> & { startedAt: number };

/** A check, and those who wait for it. */
interface UnderWay {
  answer: Promise<Answer>;
  waiting: number;
  stop: AbortController;
}

const underWay = new WeakMap<ServiceTarget, UnderWay>();

/**
 * The answer of a target, by the check that is under way where there is one: those of a target that hangs would pile up
 * behind it. One that nobody waits for any more is told so, and the next waits for its end.
 * @param given rejects when the caller waits no longer
 */
export async function sharedCheck(target: ServiceTarget, given: Promise<never>): Promise<Answer> {
  for (let left = underWay.get(target); left?.stop.signal.aborted; left = underWay.get(target))
    await Promise.race([left.answer.catch(() => undefined), given]);
  const check = underWay.get(target) ?? begin(target);
  check.waiting++;
  try {
    return await Promise.race([check.answer, given]);
  } finally {
    if (--check.waiting === 0) check.stop.abort(new ConnectFailure('aborted'));
  }
}

function begin(target: ServiceTarget): UnderWay {
  const stop = new AbortController();
  const startedAt = performance.now();
  const ask = async (): Promise<Answer> => {
    try {
      return { ...(await target.check(stop.signal)), startedAt };
    } finally {
      underWay.delete(target);
    }
  };
  const check: UnderWay = { answer: Promise.resolve().then(ask), waiting: 0, stop };
  // It may fail when nobody waits for it any more.
  check.answer.catch(() => undefined);
  underWay.set(target, check);
  return check;
}
