import type { EndpointStatus } from '../../src/index.js';
import { emptyReckoned, type Reckoned, type Seen } from './history-oracle.js';
import { randomFrom } from './random.js';

const statuses: readonly EndpointStatus[] = ['healthy', 'degraded', 'critical', 'offline'];
/** Of a second in which nobody looked. */
const nobody = 255;

/**
 * What was found of an endpoint, a check a second, kept raw in as many bytes as it takes, and reckoned anew for every
 * question. Now and then nobody looks, for seconds or for hours.
 */
export class RawSeconds {
  private readonly statusOf: Uint8Array;
  /** Response times in quarters of a millisecond, which add up exactly. */
  private readonly quartersOf: Uint16Array;

  /** @param longestGapMs a longer time between two results is one in which nobody looked */
  constructor(
    readonly begin: number,
    readonly seconds: number,
    private readonly longestGapMs: number,
  ) {
    this.statusOf = new Uint8Array(seconds);
    this.quartersOf = new Uint16Array(seconds);
    const random = randomFrom(5);
    let [status, goneUntil] = [0, 0];
    for (let second = 0; second < seconds; second++) {
      if (random() < 0.000_2) status = Math.floor(random() * statuses.length);
      if (random() < 0.000_5) goneUntil = second + Math.ceil(random() * 5);
      if (random() < 0.000_02) goneUntil = second + Math.ceil(random() * 7_200);
      this.statusOf[second] = second < goneUntil ? nobody : status;
      this.quartersOf[second] = Math.ceil(36_000 * random() ** 4);
    }
  }

  /** What was found at the nth second; undefined when nobody looked. */
  seen(second: number): Seen | undefined {
    const status = statuses[this.statusOf[second] ?? nobody];
    if (!status) return undefined;
    const responseTimeMs = status === 'offline' ? null : (this.quartersOf[second] ?? 0) / 4;
    return { at: this.begin + second * 1_000, status, responseTimeMs };
  }

  /** What lies within a time, `until` exclusive; of planned maintenance there is none. */
  within(from: number, until: number, planned = false): Reckoned {
    const { counts, durationMs } = emptyReckoned();
    if (planned) return { counts, durationMs, times: new Float32Array() };
    const first = Math.max(0, Math.ceil((from - this.begin) / 1_000));
    const end = Math.min(this.seconds, Math.ceil((until - this.begin) / 1_000));
    const times = new Float32Array(Math.max(0, end - first));
    let timed = 0;
    let before: Seen | undefined;
    const gap = Math.ceil(this.longestGapMs / 1_000);
    for (let second = Math.max(0, first - gap); second < Math.min(this.seconds, end + gap); second++) {
      const seen = this.seen(second);
      if (!seen) continue;
      if (second >= first && second < end) {
        counts[seen.status]++;
        if (seen.responseTimeMs !== null) times[timed++] = seen.responseTimeMs;
      }
      if (before && seen.at - before.at <= this.longestGapMs)
        durationMs[before.status] += Math.max(0, Math.min(seen.at, until) - Math.max(before.at, from));
      before = seen;
    }
    return { counts, durationMs, times: times.subarray(0, timed).sort() };
  }
}
