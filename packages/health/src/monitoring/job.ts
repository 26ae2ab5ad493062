/** What a queue needs to know of a job. */
export interface Job {
  readonly id: string;
  readonly tenantId: string;
  /** What it will connect to; jobs without one share no limit. */
  readonly host: string;
  /** It did not answer when it was last asked, and may hold its place for all of its time again. */
  readonly isSuspect?: boolean;
}
