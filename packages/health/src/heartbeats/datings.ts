import type { ClockSteps } from '../monitoring/clock-steps.js';

/** By how much the wall clock was set since it dated an instant, ms. */
export type SetSince = (at: number) => number;

/** Of as many jobs it is known how their calls were dated; those are forgotten that were asked for longest ago. */
const mostJobs = 100_000;

/**
 * Knows of the instants of each job by how much the clock was set since: of those that were seen before for certain, of
 * others as far as their date tells.
 */
export function createDatings(
  steps: Pick<ClockSteps, 'ahead' | 'since'>,
): (jobId: string, instants: readonly number[]) => SetSince {
  /** By how much the clock was ahead when it dated each instant of a job. */
  const jobs = new Map<string, ReadonlyMap<number, number>>();
  return (jobId, instants) => {
    const ahead = steps.ahead();
    const before = jobs.get(jobId);
    const dated = new Map(instants.map((at) => [at, before?.get(at) ?? ahead - steps.since(at)]));
    jobs.delete(jobId);
    jobs.set(jobId, dated);
    for (const id of jobs.keys()) {
      if (jobs.size <= mostJobs) break;
      jobs.delete(id);
    }
    return (at) => ahead - (dated.get(at) ?? ahead);
  };
}
