import { ConnectFailure } from '@dotmac/core/net';
import type { ServiceTarget } from './target.js';

/** What a target found out of itself, and when it was asked (`performance.now()`). */
type Answer = Awaited<ReturnType<ServiceTarget['check']>> & { startedAt: number };

/** A check, and those who wait for it. */
interface UnderWay {
  answer: Promise<Answer>;
  waiting: number;
  stop: AbortController;
  /** When nobody waited for it any more (`performance.now()`). */
  leftAt: number;
}

const underWay = new WeakMap<ServiceTarget, UnderWay>();

/** A check that is stopped and does not end may never: its connection was lost, and nobody said so. */
const mostHeldMs = 60_000;

/**
 * The answer of a target, by the check that is under way where there is one: those of a target that hangs would pile up
 * behind it. One that nobody waits for any more is told so, and the next waits for its end.
 * @param given rejects when the caller waits no longer
 * @param heldMs so long a check that was told so has others wait
 */
export async function sharedCheck(
  target: ServiceTarget,
  given: Promise<never>,
  heldMs: number = mostHeldMs,
): Promise<Answer> {
  const left = (check: UnderWay | undefined) => (check?.stop.signal.aborted ? check : undefined);
  const isHeld = ({ leftAt }: UnderWay) => performance.now() - leftAt < heldMs;
  for (let last = left(underWay.get(target)); last && isHeld(last); last = left(underWay.get(target)))
    await Promise.race([last.answer.catch(() => undefined), given]);
  const current = underWay.get(target);
  const check = current && !left(current) ? current : begin(target);
  check.waiting++;
  try {
    return await Promise.race([check.answer, given]);
  } finally {
    // One that has ended has nothing left to stop, and others may be using what it used.
    if (--check.waiting === 0 && underWay.get(target) === check) {
      check.leftAt = performance.now();
      check.stop.abort(new ConnectFailure('aborted'));
    }
  }
}

function begin(target: ServiceTarget): UnderWay {
  const stop = new AbortController();
  const startedAt = performance.now();
  const ask = async (): Promise<Answer> => {
    try {
      return { ...(await target.check(stop.signal)), startedAt };
    } finally {
      // Another may have been begun meanwhile.
      if (underWay.get(target) === check) underWay.delete(target);
    }
  };
  const check: UnderWay = { answer: Promise.resolve().then(ask), waiting: 0, stop, leftAt: Infinity };
  // It may fail when nobody waits for it any more.
  check.answer.catch(() => undefined);
  underWay.set(target, check);
  return check;
}
