import { readFile } from 'node:fs/promises';
import { totalmem } from 'node:os';
import { join } from 'node:path';

/** What a container may have of the machine's memory. */
export interface ContainerMemory {
  limitBytes: number;
  /** Up to the limit; the caches of files count as free, for the kernel takes them back when it must. */
  availableBytes: number;
}

/** Where a container sees its own group: version 2 of the kernel's control groups, and version 1. */
const groups = [
  { directory: '/sys/fs/cgroup', usage: 'memory.current', cache: 'inactive_file' },
  { directory: '/sys/fs/cgroup/memory', usage: 'memory.usage_in_bytes', cache: 'total_inactive_file' },
];

/** Null outside of a container, and in one without a limit. */
export async function measureContainerMemory(): Promise<ContainerMemory | null> {
  const limitBytes = process.constrainedMemory();
  if (!(limitBytes > 0 && limitBytes < totalmem())) return null;
  for (const { directory, usage, cache } of groups) {
    const read = (file: string) => readFile(join(directory, file), 'utf8').catch(() => undefined);
    const [used, stat] = await Promise.all([read(usage), read('memory.stat')]);
    if (used !== undefined && stat !== undefined)
      return { limitBytes, availableBytes: availableWithin(limitBytes, Number(used), stat, cache) };
  }
  return { limitBytes, availableBytes: process.availableMemory() };
}

/**
 * What is left, as the kubelet reckons it: the files that were not read for a while are not used up.
 * @param stat the group's `memory.stat`
 */
export function availableWithin(limitBytes: number, usedBytes: number, stat: string, cache: string): number {
  const cached = Number(new RegExp(`^${cache} (\\d+)$`, 'm').exec(stat)?.[1] ?? 0);
  return Math.min(limitBytes, Math.max(0, limitBytes - Math.max(0, usedBytes - cached)));
}
