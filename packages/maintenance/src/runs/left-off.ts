import type { Run } from './run.js';

/**
 * Is a run that is left off one to be gone on with where it was? Not what is cancelled: whoever cancels it wants nothing more to go,
 * whichever came first: that, or its end. Not what had kept nothing: a schedule begins that again, if it has retries.
 */
export const mayGoOn = ({ trigger, dryRun, cancelRequestedAt, cursors }: Run): boolean =>
  trigger !== 'recovery' && !dryRun && cancelRequestedAt === null && Object.keys(cursors).length > 0;

/** Its process died; or it was stopped, and whoever waits for the run is a schedule. */
export const isLeftOff = ({ stopReason, trigger }: Run): boolean =>
  stopReason === 'abandoned' || (stopReason === 'stopped' && trigger === 'schedule');
