import { coreErrors } from '@dotmac/core';
import { readdir, readFile, statfs } from 'node:fs/promises';
import { availableParallelism, freemem, loadavg, totalmem, uptime } from 'node:os';
import { isAbsolute } from 'node:path';
import { monitorEventLoopDelay, performance } from 'node:perf_hooks';
import { z } from 'zod';
import type { Facts } from '../conditions/facts.js';
import { defineProbe, Unreachable, WrongAnswer, type Probe } from './probe.js';

const config = z.strictObject({
  /** Which of the disks that the host application named to look at, at most 5. Default none. */
  disk: z
    .array(z.string().min(1).max(100))
    .max(5)
    .default([])
    .meta({ description: 'Names of disks, as the host application gave them', examples: [['data']] }),
});

/** @see config */
type HostSettings = z.output<typeof config>;

/** What a host application may let its endpoints see. */
export interface HostProbeOptions {
  /** Folders by the name of the disk they are on: letters, digits, `_` and `-`. Requests cannot name folders. */
  disks?: Readonly<Record<string, string>>;
}

/**
 * A probe of the machine and process it runs in. It only measures: an endpoint's conditions say what is too much.
 *
 * @example
 * createHealth({ store, probes: [hostProbe({ disks: { data: '/var/lib/app' } })] });
 * // with the condition { on: 'disks.data.free_percent', op: 'gt', value: 10, severity: 'degraded' }
 *
 * @throws INVALID_ARGUMENT when a disk's name is none, or its folder is not absolute
 */
export function hostProbe({ disks = {} }: HostProbeOptions = {}): Probe<HostSettings> {
  const folders = new Map(Object.entries(disks));
  for (const [name, folder] of folders) {
    const refuse = (reason: string) => coreErrors.INVALID_ARGUMENT({ argument: `disk ${name}`, reason });
    if (!/^[A-Za-z_][A-Za-z0-9_-]{0,99}$/.test(name)) throw refuse('a name is letters, digits, "_" and "-"');
    if (!isAbsolute(folder)) throw refuse('its folder is not absolute');
  }
  return defineProbe({
    serviceType: 'host',
    summary: 'Measures memory, load, event loop, disks and descriptors of the machine and process it runs in.',
    addressing: 'none',
    config,
    facts: ['memory', 'load', 'loop', 'disks', 'uptime_seconds', 'descriptors'],
    async run({ config: { disk }, clock }) {
      const startedAt = clock.monotonic();
      const [descriptors, ...measured] = await Promise.all([
        descriptorsOpen(),
        ...disk.map(async (name) => [name, await spaceOf(name, folders.get(name))] as const),
      ]);
      const [one = 0, five = 0, fifteen = 0] = loadavg();
      return {
        responseTimeMs: clock.monotonic() - startedAt,
        message: 'Measured',
        facts: {
          // On Linux what is available, caches that can be given up among it (MemAvailable).
          memory: { free_percent: percent(freemem(), totalmem()), rss_bytes: process.memoryUsage.rss() },
          load: { one, five, fifteen, per_core: one / availableParallelism() },
          loop: loop.measure(clock.monotonic()),
          disks: Object.fromEntries(measured),
          uptime_seconds: uptime(),
          ...(descriptors && { descriptors }),
        },
      };
    },
  });
}

function percent(part: number, whole: number): number {
  return whole > 0 ? Math.round((10_000 * part) / whole) / 100 : 0;
}

/** What is free to this user, as `df` counts: what is kept back for root is neither free nor there. */
async function spaceOf(name: string, folder: string | undefined): Promise<Facts> {
  if (folder === undefined)
    throw new Unreachable(`The host application has named no disk ${JSON.stringify(name)}`, { code: 'target_missing' });
  const { bsize, blocks, bfree, bavail, files, ffree } = await statfs(folder).catch(() => {
    throw new WrongAnswer(`The disk ${name} cannot be read`, { code: 'disk_unreadable' });
  });
  return {
    free_bytes: bavail * bsize,
    free_percent: percent(bavail, blocks - bfree + bavail),
    // Some file systems make inodes as they need them, and say that there are none.
    inodes_free_percent: files > 0 ? percent(ffree, files) : 100,
  };
}

/** The descriptors of this process, where the system tells: Linux, proc(5). */
async function descriptorsOpen(): Promise<Facts | undefined> {
  try {
    const [open, limits] = await Promise.all([readdir('/proc/self/fd'), readFile('/proc/self/limits', 'utf8')]);
    // One of them is the folder that was read.
    const count = open.length - 1;
    const limit = Number(/^Max open files\s+(\d+)/m.exec(limits)?.[1] ?? NaN);
    return { open: count, ...(limit > 0 && { limit, used_percent: percent(count, limit) }) };
  } catch {
    return undefined;
  }
}

/** How often the event loop's delay is sampled, and for how long at least a window of samples is kept. */
const resolutionMs = 20;
const windowMs = 60_000;

/**
 * The event loop of this process over the last one to two minutes, or since the run before last when that is longer ago:
 * what was measured before says nothing of today. All probes share it, and none empties it for the others. Its timer
 * does not hold the process open.
 */
const loop = {
  windows: [] as { since: number; delays: ReturnType<typeof monitorEventLoopDelay>; used: EventLoopUse }[],
  /** `delay_p99_ms` beyond when a timer was due, and `utilization` from 0 to 1. Both begin at the first run. */
  measure(now: number): Facts {
    const [newest] = this.windows;
    if (!newest || now - newest.since >= windowMs) {
      newest?.delays.disable();
      const delays = monitorEventLoopDelay({ resolution: resolutionMs });
      delays.enable();
      this.windows = [{ since: now, delays, used: performance.eventLoopUtilization() }, ...this.windows.slice(0, 1)];
    }
    const longest = Math.max(...this.windows.map(({ delays }) => delays.percentile(99) / 1e6));
    const since = this.windows.at(-1)?.used;
    return {
      delay_p99_ms: Math.max(0, longest - resolutionMs),
      utilization: since ? performance.eventLoopUtilization(performance.eventLoopUtilization(), since).utilization : 0,
    };
  },
};
type EventLoopUse = ReturnType<typeof performance.eventLoopUtilization>;
