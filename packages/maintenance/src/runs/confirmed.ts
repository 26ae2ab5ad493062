import { isOperationError } from '@dotmac/core';
import { z } from 'zod';
import { mostDrift } from '../plans/drift.js';
import type { MaintenanceStore } from '../store/store.js';
import { goneOnFrom } from './gone-on-from.js';
import type { Run } from './run.js';

/** What a run that waits for a confirmation has in its details: what it asks for. */
const askingDetails = z.object({ asked: z.object({ target: z.string(), planned: z.number(), total: z.number() }) });

/** The details of a run that ended by this error. */
export function askedBy(error: unknown): Run['details'] {
  if (!isOperationError(error, 'CONFIRMATION_NEEDED')) return {};
  return askingDetails.parse({ asked: error.details });
}

/** Has somebody confirmed that so many items of a target may go? */
export type Confirmed = (target: string, planned: number) => boolean;

/**
 * What was confirmed of a run, and of those that it goes on from: the targets that were asked for, each with as many
 * items as it had then, or a fifth more. Who applies a plan has confirmed all of it.
 */
export async function confirmedOf(store: MaintenanceStore, run: Run): Promise<Confirmed> {
  if (!run.confirmed) return () => false;
  if (run.planId !== null) return () => true;
  const most = new Map<string, number>();
  for await (const { status, details } of goneOnFrom(store, run)) {
    const asking = status === 'needs_confirmation' ? askingDetails.safeParse(details).data?.asked : undefined;
    if (asking && !most.has(asking.target)) most.set(asking.target, asking.planned * (1 + mostDrift));
  }
  return (target, planned) => planned <= (most.get(target) ?? 0);
}
