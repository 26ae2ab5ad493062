import type { DunningCaseStore } from '../store.js';
import type { LifecycleMemory } from './tables.js';

/** Dunning cases in memory. */
export function memoryDunningCases(memory: LifecycleMemory, tenantId: string): DunningCaseStore {
  const keyOf = (customerId: string, policy: string): string => `${tenantId}/${customerId}/${policy}`;
  return {
    get: (customerId, policy) => Promise.resolve(memory.read.dunningCases.get(keyOf(customerId, policy))),
    listFor: (customerId) =>
      Promise.resolve(
        [...memory.read.dunningCases]
          .flatMap(([key, kept]) => (key.startsWith(`${tenantId}/${customerId}/`) ? [kept] : []))
          .sort((a, b) => (a.policy < b.policy ? -1 : 1)),
      ),
    put: (kept, trx) =>
      memory.transaction(
        ({ dunningCases }) => void dunningCases.set(keyOf(kept.customerId, kept.policy), structuredClone(kept)),
        trx,
      ),
    remove: (customerId, policy, trx) =>
      memory.transaction(({ dunningCases }) => void dunningCases.delete(keyOf(customerId, policy)), trx),
  };
}
