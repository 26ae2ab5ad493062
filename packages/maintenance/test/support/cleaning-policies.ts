import type { RetentionPolicy } from '../../src/index.js';

/** How long a stopped process keeps others from its work; no machine pauses for so long that a living one loses it. */
export const leaseTtlMs = 15_000;

/** The policies of the cleaning worker, and of whoever takes over from it. */
export function cleanedByWorker(directory: string, onPredicate: () => void = () => {}): RetentionPolicy[] {
  const common = {
    database: 'main',
    timeColumn: 'at',
    retentionDays: 30,
    maxShare: 1,
    where: ((eb) => {
      onPredicate();
      return eb('state', '=', 'ended');
    }) as NonNullable<RetentionPolicy['where']>,
  };
  return [
    { ...common, name: 'deleted', table: 'events' },
    { ...common, name: 'moved', table: 'events', archive: { table: 'events_archive' } },
    ...(directory === '' ? [] : [{ ...common, name: 'filed', table: 'events', archive: { directory } }]),
  ];
}
