/** A figure that tells how much the application can bear. */
export interface PressureSignal {
  /** As reports call it: `event_loop_delay`. */
  name: string;
  /** For people: `ms`, `connections`. */
  unit: string;
  /** Work pauses from here on. */
  pauseAt: number;
  /** And goes on from here down. Default: half of `pauseAt`, so that it does not flutter. */
  resumeAt?: number;
  /** How long a reading may take; later it counts as unreadable. Default 5,000 ms. */
  timeoutMs?: number;
  /**
   * What is done while it cannot be read: `pause` (the default), for who does not answer may well be overloaded, or
   * `ignore`. The run's log tells of it either way.
   */
  whenUnreadable?: 'pause' | 'ignore';
  /** Only work on that one of the host's `databases` waits for it. Default: all work. */
  database?: string;
  /** What a figure says, after the name: `is degraded`. Default: the figure, its unit and `resumeAt`. */
  says?(figure: number): string;
  /**
   * The figure now. What throws, gives NaN or takes too long is unreadable.
   * @param signal aborts when the time is up
   */
  read(signal: AbortSignal): number | Promise<number>;
}
