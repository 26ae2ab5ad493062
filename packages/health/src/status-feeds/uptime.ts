import { z } from 'zod';
import { availability } from '../history/availability.js';
import { addSums, emptySums, type Sums } from '../history/bucket.js';
import { planWindow, startOf, type Retention } from '../history/resolution.js';
import type { TenantEndpoints } from '../store/store.js';

/** The times that uptime is told of, from short to long, in hours. */
export const uptimeHours = { uptime24h: 24, uptime7d: 168, uptime30d: 720 } as const;
/** One of them. */
export type UptimeName = keyof typeof uptimeHours;
const names = Object.keys(uptimeHours) as UptimeName[];

/** How long an endpoint was what, over each of them. */
export type Lasted = Record<UptimeName, Sums>;
/** The percent of the known time that something was there; null where nothing is known. */
export type Uptime = Record<UptimeName, number | null>;

const percent = (time: string) =>
  z
    .number()
    .nullable()
    .meta({ description: `Percent of ${time} in which it was there; null: nothing is known` });

/** @see Uptime */
export const uptimeShape = {
  uptime24h: percent('24 hours'),
  uptime7d: percent('7 days'),
  uptime30d: percent('30 days'),
};

/**
 * Reads how long endpoints were what: no part of the 30 days twice, and added up where it lies. Each time begins with a
 * whole hour.
 */
export async function lastedOf(
  { sums }: Pick<TenantEndpoints, 'sums'>,
  endpointIds: readonly string[],
  { now, retention }: { now: number; retention: Retention },
): Promise<Map<string, Lasted>> {
  const lasted = new Map<string, Lasted>();
  const none = (): Lasted => ({ uptime24h: emptySums(), uptime7d: emptySums(), uptime30d: emptySums() });
  if (endpointIds.length === 0) return lasted;
  let until = now + 1;
  for (const [index, name] of names.entries()) {
    const from = startOf('hour', now - uptimeHours[name] * 3_600_000);
    for (const span of planWindow({ from, until, now }, retention))
      for (const [endpointId, part] of await sums(endpointIds, span)) {
        const known = lasted.get(endpointId) ?? none();
        // What lies within a short time lies within the longer ones.
        for (const longer of names.slice(index)) addSums(known[longer], part);
        lasted.set(endpointId, known);
      }
    until = from;
  }
  return lasted;
}

/** The uptime of one or several, each as long as it is known. */
export function uptimeOf(lasted: readonly Lasted[]): Uptime {
  const over = (name: UptimeName): number | null => {
    const sum = emptySums();
    for (const one of lasted) addSums(sum, one[name]);
    return availability(sum, 0).byDuration;
  };
  return { uptime24h: over('uptime24h'), uptime7d: over('uptime7d'), uptime30d: over('uptime30d') };
}
