import type { RowPlan } from '../databases/rows/plan-rows.js';
import type { Prepared } from '../databases/rows/prepared.js';
import { noSpace, type Space } from './space.js';

/** What was measured is told apart from what is believed. */
export function spaceOf(
  { dialect }: Prepared,
  { total }: RowPlan,
  { deleted, droppedBytes }: { deleted: number; droppedBytes: number },
  before: { bytes: number; reusableBytes: number; approximate: boolean },
  after: typeof before,
): Space {
  if (droppedBytes > 0)
    return dialect.sizesMeasured
      ? { ...noSpace, returnedBytes: droppedBytes }
      : { ...noSpace, estimatedBytes: droppedBytes };
  const returnedBytes = dialect.sizesMeasured ? Math.max(0, before.bytes - after.bytes) : 0;
  if (!after.approximate)
    return { returnedBytes, reusableBytes: Math.max(0, after.reusableBytes - before.reusableBytes), estimatedBytes: 0 };
  const believed = Math.round((before.bytes * deleted) / Math.max(1, total.items));
  return { returnedBytes, reusableBytes: 0, estimatedBytes: Math.max(0, believed - returnedBytes) };
}
