import { setTimeout as turn } from 'node:timers/promises';
import type { Backend } from './backends.js';
import type { Rig } from './lifecycle.js';

const halfDayMs = 12 * 3_600_000;

/** Lets days go by, half a day at a time, and what falls due in them be done. */
export async function passDays(
  days: number,
  { store }: Pick<Backend, 'store'>,
  { clock }: Pick<Rig, 'clock'>,
): Promise<void> {
  for (let half = 0; half < days * 2; half++) {
    clock.set(clock.now() + halfDayMs);
    for (let round = 0; (await store.dueTimers(clock.now(), { limit: 9 })).items.length > 0; round++) {
      if (round > 500) throw new Error('A timer that is due is not given.');
      await turn(1);
      await clock.advance(1_000);
    }
  }
}
