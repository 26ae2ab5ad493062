import type { LegalHold } from '../../privacy/hold.js';
import type { PrivacyStore } from '../store.js';
import type { LifecycleMemory } from './tables.js';

/** Keys and holds in memory, and the end of what is kept of a customer. */
export function memoryPrivacy(memory: LifecycleMemory, tenantId: string): PrivacyStore {
  const keyOf = (customerId: string): string => `${tenantId}/${customerId}`;
  const holdsOf = (customerId: string): readonly LegalHold[] => memory.read.holds.get(keyOf(customerId)) ?? [];
  return {
    key: (customerId) => Promise.resolve(memory.read.keys.get(keyOf(customerId))),
    keepKey: (customerId, make, trx) =>
      memory.transaction(({ keys }) => {
        const kept = keys.get(keyOf(customerId)) ?? make();
        keys.set(keyOf(customerId), kept);
        return kept;
      }, trx),
    holds: (customerId) => Promise.resolve([...holdsOf(customerId)]),
    setHold: (hold, trx) =>
      memory.transaction(
        ({ holds }) => void holds.set(keyOf(hold.customerId), [...holdsOf(hold.customerId), { ...hold }]),
        trx,
      ),
    liftHold: (customerId, name, trx) =>
      memory.transaction(({ holds }) => {
        const before = holdsOf(customerId);
        holds.set(
          keyOf(customerId),
          before.filter((hold) => hold.name !== name),
        );
        return before.some((hold) => hold.name === name);
      }, trx),
    refusals(customerId) {
      const own = [...memory.read.bulkOperations.values()].filter((operation) => operation.tenantId === tenantId);
      const found = own.flatMap(({ id: operationId, command, dryRun, createdAt: askedAt }) =>
        (memory.read.bulkFailures.get(keyOf(operationId)) ?? [])
          .filter(({ id }) => id === customerId)
          .map(({ code, message }) => ({ operationId, command, dryRun, code, message, askedAt })),
      );
      return Promise.resolve(found.sort((a, b) => (a.operationId < b.operationId ? -1 : 1)));
    },
    wipe: (customerId, erasure, trx) =>
      memory.transaction((maps) => {
        const { keys, tokens, timers, dunningCases, answers, history, services, runs, signals, terms } = maps;
        const { bulkFailures, bulkOperations, bulkTargets } = maps;
        for (const [key, operation] of bulkOperations) {
          const isMeant = operation.filter.listed !== true || bulkTargets.get(key)?.has(customerId) === true;
          if (operation.tenantId !== tenantId || !isMeant) continue;
          const total = operation.total ?? (operation.filter.listed ? (bulkTargets.get(key)?.size ?? 0) : null);
          const left = erasure.operation({ ...operation, total });
          if (!left) continue;
          bulkOperations.set(key, { ...operation, ...(operation.endedAt === null ? { erased: left } : left) });
          for (const [place, kept] of answers)
            if (
              place.startsWith(`${tenantId}/`) &&
              kept.customerId === null &&
              kept.answer?.includes(`"id":"${operation.id}"`)
            )
              answers.set(place, { ...kept, answer: erasure.answer(kept.answer, left) });
        }
        for (const [key, failures] of bulkFailures)
          if (key.startsWith(`${tenantId}/`))
            bulkFailures.set(
              key,
              failures.map((failure) => (failure.id === customerId ? { ...failure, message: '' } : failure)),
            );
        keys.delete(keyOf(customerId));
        const found = terms.get(keyOf(customerId)) ?? [];
        terms.set(
          keyOf(customerId),
          found.filter(({ kind }) => kind !== 'attribute'),
        );
        for (const channel of ['email', 'phone']) tokens.delete(`${keyOf(customerId)}/${channel}`);
        for (const [key, timer] of timers)
          if (key.startsWith(`${tenantId}/`) && timer.customerId === customerId) timers.delete(key);
        for (const key of dunningCases.keys()) if (key.startsWith(`${keyOf(customerId)}/`)) dunningCases.delete(key);
        for (const [key, { customerId: about }] of answers)
          if (key.startsWith(`${tenantId}/`) && about === customerId) answers.delete(key);
        const entries = history.get(keyOf(customerId)) ?? [];
        history.set(
          keyOf(customerId),
          entries.map((entry) => ({ ...entry, ...erasure.entry(entry) })),
        );
        for (const [key, service] of services)
          if (service.tenantId === tenantId && service.customerId === customerId)
            services.set(key, erasure.service(service));
        for (const [key, record] of runs) {
          const { run } = record;
          if (run.tenantId !== tenantId || run.customerId !== customerId) continue;
          runs.set(key, { ...record, run: erasure.run(run) });
          const said = [...signals].filter(([, signal]) => signal.runId === run.id);
          const left = erasure.signals(said.map(([, signal]) => signal));
          for (const [index, [key, signal]] of said.entries()) signals.set(key, left[index] ?? signal);
        }
      }, trx),
  };
}
