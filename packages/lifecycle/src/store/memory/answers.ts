import type { AnswerStore, KeptAnswer } from '../store.js';
import type { AnswerRecord, LifecycleMemory } from './tables.js';

/** Answers in memory. */
export function memoryAnswers(memory: LifecycleMemory, tenantId: string): AnswerStore {
  const at = (key: string): string => `${tenantId}/${key}`;
  const keptAt = (kept: AnswerRecord | undefined, now: number): KeptAnswer | undefined => {
    if (!kept || kept.keepUntil <= now) return undefined;
    const { keepUntil: _, ...answer } = kept;
    return answer;
  };
  return {
    find(key, now) {
      const kept = keptAt(memory.read.answers.get(at(key)), now);
      // One that is not answered yet belongs to a transaction that is open.
      return Promise.resolve(kept?.answer === null ? undefined : kept);
    },
    claim: ({ key, fingerprint, keepUntil }, now, trx) =>
      memory.transaction(({ answers }) => {
        const kept = keptAt(answers.get(at(key)), now);
        if (kept && kept.answer !== null) return kept;
        answers.set(at(key), { fingerprint, keepUntil, customerId: null, answer: null });
        return undefined;
      }, trx),
    keep: (key, answer, trx) =>
      memory.transaction(({ answers }) => {
        const claimed = answers.get(at(key));
        if (claimed) answers.set(at(key), { ...claimed, ...answer });
      }, trx),
  };
}
