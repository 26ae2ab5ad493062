import type { Timer } from '../../timers/timer.js';
import type { TimerStore } from '../store.js';
import type { LifecycleMemory } from './tables.js';

/** Timers in memory. */
export function memoryTimers(memory: LifecycleMemory, tenantId: string): TimerStore {
  const keyOf = (id: string): string => `${tenantId}/${id}`;
  const remove = (timers: Map<string, Timer>, customerId: string, name: string): void => {
    for (const [key, timer] of timers)
      if (key.startsWith(`${tenantId}/`) && timer.customerId === customerId && timer.name === name) timers.delete(key);
  };
  return {
    put: (timer, trx) =>
      memory.transaction(({ timers }) => {
        remove(timers, timer.customerId, timer.name);
        timers.set(keyOf(timer.id), structuredClone(timer));
      }, trx),
    clear: (customerId, name, trx) => memory.transaction(({ timers }) => remove(timers, customerId, name), trx),
    get: (timerId) => Promise.resolve(memory.read.timers.get(keyOf(timerId))),
    take: (timerId, trx) => memory.transaction(({ timers }) => timers.delete(keyOf(timerId)), trx),
    listFor(customerId) {
      const found = [...memory.read.timers].flatMap(([key, timer]) =>
        key.startsWith(`${tenantId}/`) && timer.customerId === customerId ? [timer] : [],
      );
      return Promise.resolve(found.sort((a, b) => a.dueAt - b.dueAt));
    },
  };
}
