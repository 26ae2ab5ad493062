import { describeError, type CancelTimer, type Logger } from '@dotmac/core';
import type { HealthContext } from '../context.js';
import { healthEvents } from '../events.js';
import { burningBy } from './budget.js';
import { burnRatesOf } from './measure.js';
import type { ObjectiveRecord } from './objective.js';

const everyMs = 60_000;
const pageSize = 100;

type Evaluated = Pick<HealthContext, 'store' | 'directory' | 'retention' | 'clock' | 'change'>;

/**
 * Looks at every objective once a minute, and tells when its budget begins to burn, burns worse or better, and does not
 * any more: once for each change, over restarts and among several processes too, for what was told is kept with it.
 */
export function createEvaluator(context: Evaluated, logger: Logger) {
  const { store, clock } = context;
  let cancelTimer: CancelTimer | undefined;
  let round: Promise<void> = Promise.resolve();
  const evaluate = async (objective: ObjectiveRecord): Promise<void> => {
    const { tenantId, id: objectiveId, name, alert: told } = objective;
    const rates = await burnRatesOf(context, objective);
    const rule = burningBy(rates);
    const alert = rule?.alert ?? 'none';
    if (alert === told) return;
    const of = { tenantId, actor: 'system', subject: objectiveId, at: clock.now() };
    const event = rule
      ? healthEvents.create('objective.burning', {
          ...of,
          data: {
            name,
            severity: rule.alert === 'page' ? 'page' : 'ticket',
            burnRate: rates[rule.long] ?? 0,
            window: rule.long,
          },
        })
      : healthEvents.create('objective.recovered', { ...of, data: { name } });
    await context
      .change([event], async (trx) => {
        await store.tenant(tenantId).objectives.change(
          objectiveId,
          (known) => {
            // Changed, removed, or told by another process meanwhile.
            if (known?.alert !== told || known.updatedAt !== objective.updatedAt) throw new Outdated();
            return { ...known, alert };
          },
          trx,
        );
      })
      .catch((error: unknown) => {
        if (!(error instanceof Outdated)) throw error;
      });
  };
  const evaluateAll = async (): Promise<void> => {
    let after: { tenantId: string; id: string } | null = null;
    do {
      const page: ObjectiveRecord[] = await store.everyObjective({ limit: pageSize, after });
      for (const objective of page)
        await evaluate(objective).catch((error: unknown) =>
          // One that cannot be reckoned keeps no other waiting.
          logger.warn({ objectiveId: objective.id, ...describeError(error) }, 'an objective cannot be reckoned'),
        );
      after = page.length === pageSize ? (page.at(-1) ?? null) : null;
    } while (after !== null && cancelTimer);
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
