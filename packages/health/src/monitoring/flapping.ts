/** Checks that are looked at. */
const window = 20;
const mask = 2 ** window - 1;
/** A change counts from 0.8 for the oldest to 1.2 for the newest. */
const weights = Array.from({ length: window }, (_, age) => 1.2 - (0.4 * age) / (window - 1));
const enterAbove = 0.3;
const leaveBelow = 0.25;

/** The changes of the last checks with another one noted: a bit each, the newest lowest. */
export function changed(changes: number, hasChanged: boolean): number {
  return ((changes << 1) | (hasChanged ? 1 : 0)) & mask;
}

/**
 * Whether an endpoint flaps: the weighted share of its last 20 checks that answered where the one before did not, or
 * the other way round, is above 30 %, and then until it is below 25 %. The method and its weights are Nagios's
 * (https://assets.nagios.com/downloads/nagioscore/docs/nagioscore/4/en/flapping.html).
 */
export function flapping(changes: number, wasFlapping: boolean): boolean {
  if (changes === 0) return false;
  let sum = 0;
  for (let age = 0; age < window; age++) if ((changes >> age) & 1) sum += weights[age] ?? 0;
  const share = sum / window;
  return wasFlapping ? share >= leaveBelow : share > enterAbove;
}

/**
 * How many of the last 20 checks, or of as many as there were, did not answer.
 * @param answered whether the last one did
 */
export function failedOf(last: { changes: number; answered: boolean | null; checks: number }): {
  failed: number;
  checks: number;
} {
  const checks = Math.max(1, Math.min(window, last.checks));
  let [hasAnswered, failed] = [last.answered ?? true, 0];
  for (let age = 0; age < checks; age++) {
    if (!hasAnswered) failed++;
    if ((last.changes >> age) & 1) hasAnswered = !hasAnswered;
  }
  return { failed, checks };
}
