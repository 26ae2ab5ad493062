/** A month in UTC. */
export interface Month {
  /** `2026-11` */
  name: string;
  /** Epoch ms. */
  start: number;
  end: number;
}

/** The months that a time touches, in order. */
export function monthsOf(from: number, to: number): Month[] {
  const months: Month[] = [];
  for (let start = monthStart(from); start < to; start = monthStart(start, 1))
    months.push({ name: new Date(start).toISOString().slice(0, 7), start, end: monthStart(start, 1) });
  return months;
}

/** When the month of an instant began, or one so many months later. */
export function monthStart(at: number, later = 0): number {
  const date = new Date(at);
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + later);
}
