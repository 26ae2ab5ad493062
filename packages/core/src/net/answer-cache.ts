import type { Clock } from '../clock.js';

/** Answers, each kept for its time; when there are too many, the least recently used goes first. */
export interface AnswerCache<Answer> {
  get(key: string): Answer | undefined;
  set(key: string, answer: Answer, keepMs: number): void;
  readonly size: number;
}

/** An {@link AnswerCache} of at most `limit` answers. */
export function answerCache<Answer>(limit: number, clock: Pick<Clock, 'monotonic'>): AnswerCache<Answer> {
  // A Map keeps the order of insertion; taking an entry out and putting it back makes it the youngest.
  const entries = new Map<string, { answer: Answer; until: number }>();
  return {
    get(key) {
      const entry = entries.get(key);
      if (!entry) return undefined;
      entries.delete(key);
      if (entry.until <= clock.monotonic()) return undefined;
      entries.set(key, entry);
      return entry.answer;
    },
    set(key, answer, keepMs) {
      entries.delete(key);
      entries.set(key, { answer, until: clock.monotonic() + keepMs });
      const oldest = entries.keys().next();
      if (entries.size > limit && !oldest.done) entries.delete(oldest.value);
    },
    get size() {
      return entries.size;
    },
  };
}
