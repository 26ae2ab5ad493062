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
  /** Response times, the least first; they are quarters of a millisecond. */
  times: Float32Array;
}

const widths: Record<Resolution, number> = { minute: 60_000, hour: 3_600_000, day: 86_400_000 };
const minuteOf = (at: number): number => Math.floor(at / widths.minute) * widths.minute;
const none = (): Amounts => ({ healthy: 0, degraded: 0, critical: 0, offline: 0, unknown: 0 });

/** What nothing comes to, but for response times. */
export const emptyReckoned = (): Omit<Reckoned, 'times'> => ({ counts: none(), durationMs: none() });

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

  /**
   * @param longestGapMs a longer time between two results is one in which nobody looked
   * @param isPlanned whether a minute, by its start, is one of planned maintenance
   */
  constructor(
    private readonly longestGapMs: number,
    private readonly isPlanned: (minute: number) => boolean = () => false,
  ) {}

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

  /** What lies within a time, `until` exclusive: all of it, or what is planned maintenance, or what is not. */
  within(from: number, until: number, planned?: boolean): Reckoned {
    const { counts, durationMs } = emptyReckoned();
    const times: number[] = [];
    for (const { at, status, responseTimeMs } of this.seen) {
      if (at < from || at >= until || !this.isMeant(at, planned)) continue;
      counts[status]++;
      if (responseTimeMs !== null) times.push(responseTimeMs);
    }
    for (const spell of this.spells) {
      const end = Math.min(spell.until, until);
      for (let at = Math.max(spell.from, from); at < end;) {
        const next = planned === undefined ? end : Math.min(end, minuteOf(at) + widths.minute);
        if (this.isMeant(at, planned)) durationMs[spell.status] += next - at;
        at = next;
      }
    }
    return { counts, durationMs, times: new Float32Array(times).sort() };
  }

  /** The beginnings of all the minutes, hours or days that something lies in which is planned maintenance or not, by time. */
  starts(resolution: Resolution, planned: boolean): number[] {
    const minutes = new Set(this.seen.map(({ at }) => minuteOf(at)));
    for (const { from, until } of this.spells)
      for (let minute = minuteOf(from); minute < until; minute += widths.minute) minutes.add(minute);
    const meant = [...minutes].filter((minute) => this.isMeant(minute, planned));
    const width = widths[resolution];
    return [...new Set(meant.map((minute) => Math.floor(minute / width) * width))].sort((a, b) => a - b);
  }

  private isMeant(at: number, planned: boolean | undefined): boolean {
    return planned === undefined || this.isPlanned(minuteOf(at)) === planned;
  }
}

/** By nearest rank: the smallest value that a share of all does not exceed. */
export function exactQuantile(sorted: ArrayLike<number>, share: number): number | undefined {
  return sorted[Math.max(1, Math.ceil(share * sorted.length)) - 1];
}
