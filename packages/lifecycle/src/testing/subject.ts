import type { LifecycleStore } from '../store/store.js';

/** What the suite needs: an empty store on a clock that only the suite moves. */
export interface LifecycleStoreSubject {
  store: LifecycleStore;
  clock: { now(): number; advance(ms: number): Promise<void> };
}
