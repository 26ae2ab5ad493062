import { setImmediate as nextTurn } from 'node:timers/promises';
import { describeError, newId, type CancelTimer, type Logger } from '@dotmac/core';
import type { HealthContext } from '../context.js';
import { budgetOf, verdictOn } from './measure.js';
import type { ObjectiveRecord } from './objective.js';
import { createReadings, type Readings } from './readings.js';
import { burning, recovered } from './tell.js';

const everyMs = 60_000;
const pageSize = 100;
/**
 * Windows of endpoints that are read in a round: all five of a hundred objectives over a hundred endpoints each. What is
 * left over comes first in the next round.
 */
const mostRead = 50_000;

type Evaluated = Pick<HealthContext, 'store' | 'directory' | 'retention' | 'clock' | 'change'>;
type Place = { tenantId: string; id: string } | null;

/**
 * Looks at every objective once a minute, and tells when its budget begins to burn, burns worse or better, and does not
 * any more: once for each change, over restarts and among several processes too, for what was told is kept with it.
 */
export function createEvaluator(context: Evaluated, logger: Logger) {
  const { store, clock } = context;
  let cancelTimer: CancelTimer | undefined;
  let round: Promise<void> = Promise.resolve();
  /** Where the round before stopped. */
  let reached: Place = null;
  const evaluate = async (objective: ObjectiveRecord, readings: Readings): Promise<void> => {
    const { tenantId, id: objectiveId, alert: told } = objective;
    const verdict = await verdictOn(context, objective, readings);
    const alert = verdict.burning?.alert ?? 'none';
    if (alert === told || (alert === 'none' && verdict.unknown.includes(told))) return;
    const { left } = await budgetOf(context, objective);
    const burn = verdict.burning ? (objective.burn ?? { id: newId(), startedAt: clock.now() }) : null;
    const event = verdict.burning
      ? burning(context, { ...objective, burn }, { ...verdict.burning, left })
      : recovered(context, objective, left);
    await context
      .change([event], async (trx) => {
        await store.tenant(tenantId).objectives.change(
          objectiveId,
          (known) => {
            // Changed, removed, or told by another process meanwhile.
            if (known?.alert !== told || known.updatedAt !== objective.updatedAt) throw new Outdated();
            return { ...known, alert, burn };
          },
          trx,
        );
      })
      .catch((error: unknown) => {
        if (!(error instanceof Outdated)) throw error;
      });
  };
  const evaluateAll = async (): Promise<void> => {
    const readings = createReadings();
    do {
      const page: ObjectiveRecord[] = await store.everyObjective({ limit: pageSize, after: reached });
      for (const objective of page) {
        if (readings.count >= mostRead || !cancelTimer) return;
        await evaluate(objective, readings).catch((error: unknown) =>
          // One that cannot be reckoned keeps no other waiting.
          logger.warn({ objectiveId: objective.id, ...describeError(error) }, 'an objective cannot be reckoned'),
        );
        reached = objective;
        // On SQLite nothing in between waits for anything: let others have their turn.
        await nextTurn();
      }
      if (page.length < pageSize) reached = null;
    } while (reached !== null);
  };
  const tick = async (): Promise<void> => {
    round = evaluateAll().catch((error: unknown) => logger.warn(describeError(error), 'objectives cannot be reckoned'));
    await round;
    if (cancelTimer) cancelTimer = clock.after(everyMs, () => void tick());
  };
  return {
    start(): void {
      cancelTimer ??= clock.after(everyMs, () => void tick());
    },
    async stop(): Promise<void> {
      cancelTimer?.();
      cancelTimer = undefined;
      await round;
    },
  };
}

class Outdated extends Error {}
