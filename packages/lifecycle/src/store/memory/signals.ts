import type { SignalStore } from '../store.js';
import type { LifecycleMemory } from './tables.js';

/** What was said to steps, in memory. */
export function memorySignals(memory: LifecycleMemory, tenantId: string): SignalStore {
  return {
    add: (signal, trx) =>
      memory.transaction(({ signals }) => {
        const key = JSON.stringify([tenantId, signal.runId, signal.stepKey, signal.by]);
        if (signals.has(key)) return false;
        signals.set(key, structuredClone(signal));
        return true;
      }, trx),
    list(runId, stepKey) {
      const found = [...memory.read.signals].flatMap(([key, signal]) =>
        signal.runId === runId && signal.stepKey === stepKey && (JSON.parse(key) as string[])[0] === tenantId
          ? [signal]
          : [],
      );
      return Promise.resolve(found.sort((a, b) => a.at - b.at));
    },
    forget: (runId, stepKey, trx) =>
      memory.transaction(({ signals }) => {
        const of = (key: string): boolean => {
          const [tenant, run, step] = JSON.parse(key) as string[];
          return tenant === tenantId && run === runId && step === stepKey;
        };
        for (const key of [...signals.keys()].filter(of)) signals.delete(key);
      }, trx),
  };
}
