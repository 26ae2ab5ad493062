/** When a task runs by itself. Written in code by the host. */
export interface Schedule {
  /** Unique among the schedules of its tenant; 1 to 64 letters, digits, `.`, `_` or `-`. */
  name: string;
  /** The type of the task. */
  task: string;
  /** Five fields (minute, hour, day of month, month, day of week), or six with seconds first; `readCron` of core. */
  cron: string;
  /** An IANA name. Default `UTC`. */
  timeZone?: string;
  /** On whose behalf, and with whose policies. */
  tenantId: string;
  /** The task's parameters, camelCase. */
  parameters?: Record<string, unknown>;
}
