import type { MaintenanceStore } from '../store/store.js';
import type { Run } from './run.js';

/** Longer chains of runs that go on from each other are not followed to their beginning. */
const mostRuns = 100;

/** The runs that a run goes on from, the newest first. */
export async function* goneOnFrom(store: MaintenanceStore, { tenantId, resumes }: Run): AsyncGenerator<Run> {
  const runs = store.runs(tenantId);
  for (let count = 0; resumes !== null && count < mostRuns; count++) {
    const before = await runs.get(resumes);
    if (!before) return;
    yield before;
    resumes = before.resumes;
  }
}
