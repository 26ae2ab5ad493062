import { readFile } from 'node:fs/promises';
import { availableParallelism, freemem, loadavg, totalmem } from 'node:os';
import { probeDisk, type DiskFacts, type DiskProbe } from '../files/probe-disk.js';
import { errorCode } from '../files/system.js';
import { wordedFileError } from '../files/worded-error.js';
import { measureContainerMemory } from './container-memory.js';

/** A disk with directories that maintenance knows. */
export interface DiskRoom extends DiskFacts {
  /** The policies whose directories are on it. */
  policies: string[];
}

/** The disks that there are, and the policies of whose directories nothing can be said, and why. */
export interface MeasuredDisks {
  disks: DiskRoom[];
  unreachable: { policy: string; reason: string }[];
}

/** How this machine is. Bytes; shares of time in per cent. */
export interface HostMeasures {
  processors: number;
  /** Over 1, 5 and 15 minutes. */
  load: number[];
  memoryTotalBytes: number;
  /** What processes could still get, the caches of files included; within a container, of what that may have. */
  memoryAvailableBytes: number;
  /** What the container may have; null without a limit. */
  memoryLimitBytes: number | null;
  processBytes: number;
  swapTotalBytes: number | null;
  swapFreeBytes: number | null;
  /** Share of the last minute in which somebody waited for it; null where the kernel does not say. */
  pressure: { cpu: number | null; memory: number | null; io: number | null };
}

/** Measures memory, load and pressure. */
export async function measureHost(): Promise<HostMeasures> {
  const memory = await readFile('/proc/meminfo', 'utf8').catch(() => '');
  const kibibytes = (name: string): number | null => {
    const found = new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(memory)?.[1];
    return found === undefined ? null : Number(found) * 1024;
  };
  const ofMachine = kibibytes('MemAvailable') ?? freemem();
  const container = await measureContainerMemory();
  return {
    processors: availableParallelism(),
    load: loadavg(),
    memoryTotalBytes: totalmem(),
    memoryAvailableBytes: Math.min(ofMachine, container?.availableBytes ?? Infinity),
    memoryLimitBytes: container?.limitBytes ?? null,
    processBytes: process.memoryUsage.rss(),
    swapTotalBytes: kibibytes('SwapTotal'),
    swapFreeBytes: kibibytes('SwapFree'),
    pressure: { cpu: await pressureOf('cpu'), memory: await pressureOf('memory'), io: await pressureOf('io') },
  };
}

async function pressureOf(resource: string): Promise<number | null> {
  const text = await readFile(`/proc/pressure/${resource}`, 'utf8').catch(() => '');
  const share = /^some .*avg60=([\d.]+)/m.exec(text)?.[1];
  return share === undefined ? null : Number(share);
}

/** The disks that those directories are on, each once; directories that are not there are left out. */
export async function measureDisks(
  directories: readonly { name: string; directory: string }[],
  probe: DiskProbe = probeDisk,
): Promise<MeasuredDisks> {
  const disks = new Map<string, DiskRoom>();
  const unreachable: MeasuredDisks['unreachable'] = [];
  // One after another, so that those that are silent are known before more are asked.
  for (const { name, directory } of directories) {
    try {
      const facts = await probe(directory);
      const known = disks.get(facts.device);
      if (known) known.policies.push(name);
      else disks.set(facts.device, { policies: [name], ...facts });
    } catch (error) {
      if (!isMissing.has(errorCode(error) ?? ''))
        unreachable.push({ policy: name, reason: wordedFileError(error) ?? 'the system refuses to say' });
    }
  }
  return { disks: [...disks.values()], unreachable };
}

const isMissing = new Set(['ENOENT', 'ENOTDIR']);
