/**
 * When whoever monitors first saw that something had happened: it was not later. What is measured is measured from then,
 * for the clock of who took a call may be another, and each may have been set since.
 */
export interface Sight {
  /** By the wall clock of who monitors, epoch ms. */
  at: number;
  /** How long endpoints had been watched by then, ms: what no setting of a clock changes. */
  watchedMs: number;
}

/** What was seen of a job: of each kind the last; null for what was not seen yet, or has not happened. */
export type Seen = Record<'registration' | 'start' | 'success', Sight | null>;
