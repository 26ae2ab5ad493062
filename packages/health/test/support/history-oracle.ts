import type { EndpointStatus, Resolution } from '../../src/index.js';

/** One thing that was seen of an endpoint, as a test knows it. */
export interface Seen {
  /** Epoch ms. */
  at: number;
  status: EndpointStatus;
  responseTimeMs: number | null;
}

/** A time in which an endpoint was something, and somebody looked. */
interface Spell {
  from: number;
  until: number;
  status: EndpointStatus;
}

type Amounts = Record<EndpointStatus, number>;

/** What all that lies within a time comes to. */
export interface Reckoned {
  counts: Amounts;
  durationMs: Amounts;
  /** Response times, the least first. */
  times: number[];
}

const widths: Record<Resolution, number> = { minute: 60_000, hour: 3_600_000, day: 86_400_000 };
const none = (): Amounts => ({ healthy: 0, degraded: 0, critical: 0, offline: 0, unknown: 0 });

/**
 * The raw history of an endpoint whose every result is believed at once, kept whole, and reckoned anew for every
 * question by looking at all of it: what sums are to be compared with.
 */
export class HistoryOracle {
  readonly seen: Seen[] = [];
  private readonly spells: Spell[] = [];
  private status: EndpointStatus = 'unknown';
  private checkedAt: number | null = null;
  private second = { of: NaN, statuses: new Set<EndpointStatus>() };

  /** @param longestGapMs a longer time between two results is one in which nobody looked */
  constructor(private readonly longestGapMs: number) {}

  /** A check of our own. */
  checked(seen: Seen): void {
    this.take(seen, true);
  }

  /** What the host has told: of a second's the first of each kind counts for the status. */
  told(seen: Seen): void {
    if (this.checkedAt !== null && seen.at < this.checkedAt) {
      this.seen.push(seen);
      return;
    }
    const second = Math.floor(seen.at / 1_000);
    if (this.second.of !== second) this.second = { of: second, statuses: new Set() };
    this.take(seen, !this.second.statuses.has(seen.status));
    this.second.statuses.add(seen.status);
  }

  private take(seen: Seen, isBelieved: boolean): void {
    const { checkedAt, status } = this;
    this.seen.push(seen);
    if (checkedAt !== null && seen.at > checkedAt && seen.at - checkedAt <= this.longestGapMs)
      this.spells.push({ from: checkedAt, until: seen.at, status });
    this.checkedAt = seen.at;
    if (isBelieved) this.status = seen.status;
  }

  /** What lies within a time, `until` exclusive. */
  within(from: number, until: number): Reckoned {
    const [counts, durationMs, times] = [none(), none(), [] as number[]];
    for (const { at, status, responseTimeMs } of this.seen) {
      if (at < from || at >= until) continue;
      counts[status]++;
      if (responseTimeMs !== null) times.push(responseTimeMs);
    }
    for (const spell of this.spells)
      durationMs[spell.status] += Math.max(0, Math.min(spell.until, until) - Math.max(spell.from, from));
    return { counts, durationMs, times: times.sort((a, b) => a - b) };
  }

  /** The beginnings of all the minutes, hours or days that something lies in, by time. */
  starts(resolution: Resolution): number[] {
    const width = widths[resolution];
    const found = new Set(this.seen.map(({ at }) => Math.floor(at / width)));
    for (const { from, until } of this.spells)
      for (let index = Math.floor(from / width); index * width < until; index++) found.add(index);
    return [...found].map((index) => index * width).sort((a, b) => a - b);
  }
}

/** By nearest rank: the smallest value that a share of all does not exceed. */
export function exactQuantile(sorted: readonly number[], share: number): number | undefined {
  return sorted[Math.max(1, Math.ceil(share * sorted.length)) - 1];
}
