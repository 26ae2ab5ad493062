import type { EndpointStatus } from '../endpoints/endpoint.js';
import { changed, flapping } from './flapping.js';

/** What is kept of an endpoint between its checks. Instants are epoch ms. */
export interface StatusState {
  status: EndpointStatus;
  /** When the first of the results came that made the status what it is; null before any did. */
  since: number | null;
  /** Since when it is healthy or degraded, whichever; null while it is neither. */
  availableSince: number | null;
  /** Results in a row that are worse than the status; troubles of our own in between do not count. */
  worse: number;
  /** When the first of them came. */
  worseSince: number | null;
  /** Results in a row that are better than the status. */
  better: number;
  betterSince: number | null;
  /** Troubles of our own in a row. */
  blind: number;
  /** Whether the endpoint answered at its last known check. */
  answered: boolean | null;
  /** The last known checks, newest lowest: 1 where answering changed. @see flapping */
  changes: number;
  /** It comes and goes too often to make an incident of every time. */
  isFlapping: boolean;
}

/** When results become a status. */
export interface StatusPolicy {
  /** Worse results in a row that worsen the status, and trouble of our own in a row that makes it unknown. */
  retryCount: number;
  /** Better results in a row that mend it. */
  recoveryCount: number;
  /** How long the worse results must last besides, from the first to the last. */
  minErrorMs: number;
  /** A degraded endpoint stays so until it answers within this; null: as soon as it is not too slow. */
  recoveryResponseMs: number | null;
}

/** One result, as the machine sees it. */
export interface Outcome {
  status: EndpointStatus;
  responseTimeMs: number | null;
  at: number;
}

/** An endpoint that nobody has checked. */
export const unchecked: StatusState = {
  status: 'unknown',
  since: null,
  availableSince: null,
  worse: 0,
  worseSince: null,
  better: 0,
  betterSince: null,
  blind: 0,
  answered: null,
  changes: 0,
  isFlapping: false,
};

const severity = { healthy: 0, degraded: 1, critical: 2, offline: 3 };
const settled = { worse: 0, worseSince: null, better: 0, betterSince: null, blind: 0 };

/** Whether checks answered with this status count as available. */
export function isAvailable(status: EndpointStatus): boolean {
  return status === 'healthy' || status === 'degraded';
}

/**
 * The state after a check. A worse result counts after `retryCount` of them in a row that last `minErrorMs`, a better
 * one after `recoveryCount`; the new status is the last result's, and dates from the first of the row. Results equal to
 * the status end a row. An endpoint not yet known becomes healthy or degraded at its first good result. Trouble of our
 * own says nothing of the endpoint, and is counted apart: after `retryCount` of it in a row nothing may be claimed any
 * more.
 */
export function observe(before: StatusState, outcome: Outcome, policy: StatusPolicy): StatusState {
  if (isAsEver(before, outcome)) return before;
  const state = machineOf(before);
  const { status } = state;
  const { at } = outcome;
  if (outcome.status === 'unknown') {
    if (status === 'unknown') return { ...state, ...settled };
    const blind = state.blind + 1;
    return blind >= policy.retryCount ? become(state, 'unknown', at) : { ...state, blind };
  }
  const result = staysDegraded(state, outcome, policy) ? 'degraded' : outcome.status;
  const noted = note(state, isAvailable(result));
  if (result === status) return { ...noted, ...settled };
  const isBetter = status === 'unknown' ? isAvailable(result) : severity[result] < severity[status];
  if (isBetter) {
    const better = state.better + 1;
    const betterSince = Math.min(state.betterSince ?? at, at);
    const enough = status === 'unknown' || better >= policy.recoveryCount;
    return enough
      ? become(noted, result, betterSince)
      : { ...noted, worse: 0, worseSince: null, better, betterSince, blind: 0 };
  }
  const worse = state.worse + 1;
  // A wall clock that was set back meanwhile must not put off what lasts long enough.
  const worseSince = Math.min(state.worseSince ?? at, at);
  return worse >= policy.retryCount && at - worseSince >= policy.minErrorMs
    ? become(noted, result, worseSince)
    : { ...noted, worse, worseSince, better: 0, betterSince: null, blind: 0 };
}

/** Whether a result says what those of some time have said: most do, and nothing is made of them. */
function isAsEver(state: StatusState, { status }: Outcome): boolean {
  return (
    status === 'healthy' &&
    state.status === 'healthy' &&
    state.changes === 0 &&
    state.answered === true &&
    !state.isFlapping &&
    !isUndecided(state)
  );
}

/** The state alone, of whatever has it. */
function machineOf(state: StatusState): StatusState {
  return {
    status: state.status,
    since: state.since,
    availableSince: state.availableSince,
    worse: state.worse,
    worseSince: state.worseSince,
    better: state.better,
    betterSince: state.betterSince,
    blind: state.blind,
    answered: state.answered,
    changes: state.changes,
    isFlapping: state.isFlapping,
  };
}

/** Whether the next check should come soon: results disagree with the status, and it is not decided yet. */
export function isUndecided({ worse, better, blind }: StatusState): boolean {
  return worse > 0 || better > 0 || blind > 0;
}

function become(before: StatusState, status: EndpointStatus, since: number): StatusState {
  // States of before this was kept know only since when they are what they are.
  const wasAvailableSince = isAvailable(before.status) ? (before.availableSince ?? before.since) : null;
  const availableSince = isAvailable(status) ? (wasAvailableSince ?? since) : null;
  return { ...before, ...settled, status, since, availableSince };
}

function staysDegraded({ status }: StatusState, outcome: Outcome, { recoveryResponseMs }: StatusPolicy): boolean {
  const { responseTimeMs } = outcome;
  const isSlow = recoveryResponseMs !== null && responseTimeMs !== null && responseTimeMs > recoveryResponseMs;
  return status === 'degraded' && outcome.status === 'healthy' && isSlow;
}

function note(state: StatusState, answered: boolean): StatusState {
  const changes = changed(state.changes, state.answered !== null && state.answered !== answered);
  return { ...state, answered, changes, isFlapping: flapping(changes, state.isFlapping) };
}
