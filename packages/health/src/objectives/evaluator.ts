import { setImmediate as nextTurn } from 'node:timers/promises';
import { describeError, newId, type CancelTimer, type Logger } from '@dotmac/core';
import type { HealthContext } from '../context.js';
import { budgetOf, lookAhead, verdictOn, type Measured } from './measure.js';
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
/** After so many it is another tenant's turn, until all had theirs. */
const mostInTurn = mostRead / 10;

type Evaluated = Measured & Pick<HealthContext, 'change'>;
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
  /** Whose turns ended before all of theirs was looked at, and after which objective. */
  const left = new Map<string, string>();
  const takeLeft = (tenantId: string): string => {
    const last = left.get(tenantId) ?? '';
    left.delete(tenantId);
    return last;
  };
  const evaluate = async (objective: ObjectiveRecord, readings: Readings): Promise<void> => {
    const { tenantId, id: objectiveId, alert: told } = objective;
    await lookAhead(context, objective);
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
  /**
   * Looks at the objectives after a place, those of each tenant that is asked for as long as its turn lasts.
   * @returns where it stopped, as no more is to be read in this round; null at the end
   */
  const takeTurns = async (readings: Readings, from: Place, isAsked: (tenantId: string) => boolean): Promise<Place> => {
    let [after, turn] = [from, { tenantId: '', until: 0, last: '' }];
    for (;;) {
      const page: ObjectiveRecord[] = await store.everyObjective({ limit: pageSize, after });
      for (const objective of page) {
        const { tenantId, id } = objective;
        if (readings.count >= mostRead || !cancelTimer) {
          if (turn.last !== '') left.set(turn.tenantId, turn.last);
          return after ?? { tenantId: '', id: '' };
        }
        if (turn.tenantId !== tenantId)
          turn = { tenantId, until: readings.count + mostInTurn, last: isAsked(tenantId) ? takeLeft(tenantId) : '' };
        after = objective;
        if (!isAsked(tenantId) || left.has(tenantId) || id <= turn.last) continue;
        if (readings.count >= turn.until) {
          left.set(tenantId, turn.last);
          continue;
        }
        await evaluate(objective, readings).catch((error: unknown) =>
          // One that cannot be reckoned keeps no other waiting.
          logger.warn({ objectiveId: id, ...describeError(error) }, 'an objective cannot be reckoned'),
        );
        turn.last = id;
        // On SQLite nothing in between waits for anything: let others have their turn.
        await nextTurn();
      }
      if (page.length < pageSize) return null;
    }
  };
  const evaluateAll = async (): Promise<void> => {
    const readings = createReadings();
    context.shownTwice.forget(clock.now());
    reached = await takeTurns(readings, reached, () => true);
    for (let stopped = reached; stopped === null && left.size > 0;) {
      const asked = new Set(left.keys());
      stopped = await takeTurns(readings, null, (tenantId) => asked.has(tenantId));
    }
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
