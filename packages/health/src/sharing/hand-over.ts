import { newId, type Clock } from '@dotmac/core';
import type { HealthMetrics } from '../metrics.js';
import type { KeptEndpoint } from '../monitoring/directory.js';
import type { ProbeResult } from '../probes/judge.js';
import type { HandedResult, SharedStore } from '../store/sharing.js';

/** Results on their way to the process that monitors. */
export interface HandOver {
  give(kept: KeptEndpoint, result: ProbeResult, at: number): void;
  /** Brings them into the store. Rejects when it cannot be reached, and keeps them then. */
  flush(): Promise<void>;
}

/** Beyond, the oldest of the tenant go who has most of them. */
const most = 10_000;
const atOnce = 500;

/** Makes an empty one. */
export function createHandOver(
  store: Pick<SharedStore, 'handOver' | 'time'>,
  { clock, metrics }: { clock: Pick<Clock, 'now'>; metrics: HealthMetrics | undefined },
): HandOver {
  const process = newId();
  const waiting: HandedResult[] = [];
  /** What the store has not confirmed. It may have it: so it comes as it was, by the same number, until it is. */
  let underWay: HandedResult[] = [];
  let number = 0;
  return {
    give({ endpoint: { tenantId, id: endpointId } }, { status, code, responseTimeMs, message, phases }, at) {
      const result = { status, code, responseTimeMs, message, ...(phases && { phases }) };
      waiting.push({ id: newId(), tenantId, endpointId, at, result });
      if (underWay.length + waiting.length <= most) return;
      waiting.splice(oldestOfMost(waiting), 1);
      metrics?.dropped(1);
    },
    async flush() {
      const isAny = (): boolean => underWay.length + waiting.length > 0;
      const aheadMs = isAny() ? clock.now() - (await store.time()) : 0;
      while (isAny()) {
        if (underWay.length === 0) {
          underWay = waiting.splice(0, atOnce);
          number++;
        }
        await store.handOver(
          underWay.map((it) => ({ ...it, at: it.at - aheadMs })),
          { process, number },
        );
        underWay = [];
      }
    },
  };
}

function oldestOfMost(waiting: readonly HandedResult[]): number {
  const counts = new Map<string, number>();
  for (const { tenantId } of waiting) counts.set(tenantId, (counts.get(tenantId) ?? 0) + 1);
  let [crowd, size] = ['', 0];
  for (const [tenantId, count] of counts) if (count > size) [crowd, size] = [tenantId, count];
  return waiting.findIndex(({ tenantId }) => tenantId === crowd);
}
