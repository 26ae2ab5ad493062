import { coreErrors, type CancelTimer, type Clock, type Logger } from '@dotmac/core';

/** How late this process may be with what it does, in ms, until it says so of itself. */
export interface LatenessBounds {
  /** From then on `readiness().parts` say `behind`, and the log does. Default 60,000. */
  behindMs: number;
  /**
   * From then on this process is not ready. Default: never, for one that is taken out of rotation checks no faster, and
   * nobody sees the incidents that it knows.
   */
  unreadyMs: number;
}

/**
 * The bounds as the host sets them.
 * @throws INVALID_ARGUMENT unless both are positive; `Infinity` is never
 */
export function latenessBounds(given: Partial<LatenessBounds> = {}): LatenessBounds {
  const bounds = { behindMs: 60_000, unreadyMs: Infinity, ...given };
  if (!Object.values(bounds).every((it) => it > 0))
    throw coreErrors.INVALID_ARGUMENT({ argument: 'lateness', reason: 'behindMs and unreadyMs are positive numbers' });
  return bounds;
}

/** What can be late: checks that are due and do not begin, and what was found out and is not stored. */
export type LatePart = 'monitor' | 'store';

/** Whether this process keeps up. */
export interface Lateness {
  /** What is later than it may be. */
  behind(): LatePart[];
  /** Whether something is so late that this process is not ready. */
  isUnready(): boolean;
  /** Tells the log from now on when something falls behind, and when it has caught up. */
  start(): void;
  stop(): void;
}

const parts = ['monitor', 'store'] as const;
const said = {
  monitor: { behind: 'checks are due and do not begin: every place is taken', caughtUp: 'checks begin in time again' },
  store: { behind: 'what is found out cannot be stored, and waits', caughtUp: 'what is found out is stored again' },
};
const tickMs = 1_000;

/** Watches how late each part is, in ms. */
export function createLateness(
  lateMs: Readonly<Record<LatePart, () => number>>,
  { bounds, clock, logger }: { bounds: LatenessBounds; clock: Clock; logger: Logger },
): Lateness {
  const isBehind = (part: LatePart): boolean => lateMs[part]() >= bounds.behindMs;
  const known = { monitor: false, store: false };
  let cancelTimer: CancelTimer | undefined;
  const look = (): void => {
    for (const part of parts) {
      const is = isBehind(part);
      if (is && !known[part]) logger.error({ lateMs: Math.round(lateMs[part]()) }, said[part].behind);
      if (!is && known[part]) logger.info({}, said[part].caughtUp);
      known[part] = is;
    }
    cancelTimer = clock.after(tickMs, look);
  };
  return {
    behind: () => parts.filter(isBehind),
    isUnready: () => parts.some((part) => lateMs[part]() >= bounds.unreadyMs),
    start: () => void (cancelTimer ??= clock.after(tickMs, look)),
    stop() {
      cancelTimer?.();
      cancelTimer = undefined;
    },
  };
}
