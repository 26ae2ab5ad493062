import { setTimeout as turn } from 'node:timers/promises';
import type { StoreTransaction } from '../../src/index.js';
import type { FakeClock } from '../../src/testing/index.js';

/** Told when something is asked of a store; what it returns, when that is answered. */
export type Begin = () => () => void;

/** A store, or a part of one, of which everything that is asked is told, whatever it is. */
export function watched<Part extends object>(part: Part, begin: Begin): Part {
  return new Proxy(part, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name);
      if (typeof value === 'object' && value !== null) return watched(value, begin);
      if (typeof value !== 'function') return value;
      return (...given: unknown[]): unknown => {
        const answer: unknown = Reflect.apply(value, target, given);
        if (answer instanceof Promise) return answer.finally(begin());
        // A tenant's own part of it.
        return name === 'tenant' && typeof answer === 'object' && answer !== null ? watched(answer, begin) : answer;
      };
    },
  });
}

/** A store in whose transactions something can be done. */
interface Transacting {
  transaction<Result>(work: (trx: StoreTransaction) => Promise<Result>, join?: StoreTransaction): Promise<Result>;
}

/** A database takes longer than this where the test itself has what it waits for. Ms. */
const patienceMs = 2_500;

/**
 * A clock that does not run away from the database: before and after it moves, what was asked of the store is answered. Else a
 * lease of half a minute of its time is lost while a disk is busy for a second, and what is due is given up for lost.
 */
export function inStep<Store extends Transacting>(store: Store, clock: FakeClock): { store: Store; clock: FakeClock } {
  const asked = new Set<{ at: number }>();
  const begin: Begin = () => {
    const call = { at: performance.now() };
    asked.add(call);
    return () => void asked.delete(call);
  };
  const answered = async (): Promise<void> => {
    const givenUpAt = performance.now() + patienceMs;
    const isWaitedFor = ({ at }: { at: number }): boolean => performance.now() < Math.min(at + patienceMs, givenUpAt);
    while ([...asked].some(isWaitedFor)) await turn(1);
  };
  // What is done within a transaction is told by itself: the rest of that time is its caller's.
  const transaction = async <Result>(
    work: (trx: StoreTransaction) => Promise<Result>,
    join?: StoreTransaction,
  ): Promise<Result> => {
    let answer = begin();
    try {
      return await store.transaction(async (trx) => {
        answer();
        try {
          return await work(trx);
        } finally {
          answer = begin();
        }
      }, join);
    } finally {
      answer();
    }
  };
  const advance = clock.advance.bind(clock);
  clock.advance = async (ms) => {
    await answered();
    await advance(ms);
    await answered();
  };
  return { store: { ...watched(store, begin), transaction }, clock };
}
