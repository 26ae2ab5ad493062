/** What a forecast is made from. */
export interface Rates {
  /** Rows that came within the last day. */
  ingestPerDay: number;
  /** Rows that are due and not deleted yet. */
  backlog: number;
  /** Rows that one run may delete; Infinity without a limit. */
  rowsPerRun: number;
  /** How long one run may take, in seconds; Infinity without a limit. */
  secondsPerRun: number;
  /** Measured, or believed. */
  rowsPerSecond: number;
  /** Below 1 where days pass between runs. */
  runsPerDay: number;
}

/** Whether retention keeps up. */
export interface Forecast {
  converges: boolean;
  /** Days until the backlog is gone; null when it grows. */
  days: number | null;
  /** For people, with the budget that would suffice; null when all is well. */
  warning: string | null;
}

/** The budget that is named leaves so much room: what just suffices today does not tomorrow. */
const margin = 1.2;
const whole = (value: number): string => Math.ceil(value).toLocaleString('en');

const rounded = (value: number): string => String(Math.round(value * 10) / 10);
const often = (perDay: number): string =>
  perDay === 1
    ? 'a run a day'
    : perDay > 1
      ? `${rounded(perDay)} runs a day`
      : `a run every ${rounded(1 / perDay)} days`;

/** Compares what comes with what may go. */
export function forecast(rates: Rates): Forecast {
  const { ingestPerDay, backlog, rowsPerRun, secondsPerRun, rowsPerSecond, runsPerDay } = rates;
  const perRun = Math.min(rowsPerRun, secondsPerRun * rowsPerSecond);
  const perDay = perRun * runsPerDay;
  if (perDay > ingestPerDay)
    return { converges: true, days: perDay === Infinity ? 0 : backlog / (perDay - ingestPerDay), warning: null };
  if (ingestPerDay === 0) return { converges: true, days: 0, warning: null };
  const rows = (ingestPerDay * margin) / runsPerDay;
  const enough =
    rowsPerRun <= secondsPerRun * rowsPerSecond
      ? `${whole(rows)} items a run`
      : `${whole(rows / rowsPerSecond)} seconds a run`;
  return {
    converges: false,
    days: null,
    warning: `Retention will never converge: ${whole(ingestPerDay)} rows come each day, and ${often(runsPerDay)} within this budget ${runsPerDay > 1 ? 'delete' : 'deletes'} ${whole(perDay)}${runsPerDay < 1 ? ' of them' : ''}. A budget of ${enough} would suffice.`,
  };
}
