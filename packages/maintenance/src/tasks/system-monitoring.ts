import { z } from 'zod';
import { instant } from '@dotmac/core/contract';
import { probeDisk, type DiskProbe } from '../files/probe-disk.js';
import { forecastFull, thin, type RoomSample } from '../host/forecast.js';
import { measureDisks, measureHost, type DiskRoom, type HostMeasures } from '../host/measure.js';
import type { PolicySet } from '../policies/policy-set.js';
import { megabytes } from './parameters.js';
import { planned } from './plan.js';
import { defineMaintenanceTask, type AnyMaintenanceTask, type TaskContext } from './task.js';

const parameters = z.object({
  minFreePercent: z.number().min(0).max(100).default(10).describe('Less free room, files or memory is a warning'),
  fullWithinDays: z.number().min(0).max(3_650).default(14).describe('A disk that will be full by then is a warning'),
  maxLoadPerProcessor: z
    .number()
    .positive()
    .optional()
    .describe('More load than that for each processor, over 15 minutes, is a warning; without it none is'),
});

const disk = z.object({
  policies: z.array(z.string()).describe('Whose directories are on it'),
  device: z.string(),
  totalMb: z.number(),
  freeMb: z.number(),
  inodes: z.number().nullable().describe('Files that there can be; null where that is not counted'),
  freeInodes: z.number().nullable(),
  mbPerDay: z.number().nullable().describe('How the free room changes; null when too little is known'),
  fullAt: instant.nullable().describe('When there is none left, going on like this; null when that is not in sight'),
  samples: z
    .array(z.object({ at: instant, freeMb: z.number() }))
    .describe('What is kept of earlier runs, and this one'),
});

const details = z.object({
  host: z.string().describe('The machine, as the application names it'),
  memoryTotalMb: z.number(),
  memoryFreeMb: z.number().describe('What processes could still get'),
  memoryLimitMb: z.number().nullable().describe('What the container may have'),
  processMemoryMb: z.number(),
  swapTotalMb: z.number().nullable(),
  swapFreeMb: z.number().nullable(),
  processors: z.number().int(),
  load: z.array(z.number()).describe('Over 1, 5 and 15 minutes'),
  loadPerProcessor: z.array(z.number()),
  pressure: z
    .object({ cpu: z.number().nullable(), memory: z.number().nullable(), io: z.number().nullable() })
    .describe('Per cent of the last minute in which somebody waited for it'),
  disks: z.array(disk),
  unreachable: z
    .array(z.object({ policy: z.string(), reason: z.string() }))
    .default([])
    .describe('Directories of which nothing could be measured, though they may be there'),
  warnings: z.array(z.object({ id: z.string(), message: z.string() })),
});

type Details = z.output<typeof details>;
type Disk = z.output<typeof disk>;
type Warning = Details['warnings'][number];

const [megabyte, dayMs] = [1_048_576, 86_400_000];
/** A disk that was there in none of so many runs on this machine begins anew. */
const mostEarlier = 50;

/** Measures this machine: memory, load, and the disks that registered directories are on, with the day when they are full. */
export const systemMonitoringBy = (probe: DiskProbe): AnyMaintenanceTask =>
  defineMaintenanceTask({
    type: 'system_monitoring',
    name: 'System monitoring',
    description: 'Measures memory, load and the disks of registered directories, and tells the day when a disk is full',
    scope: 'host',
    heedsPressure: false,
    parameters,
    details,
    plan({ policies }) {
      const directories = directoriesOf(policies);
      const strategy = `memory, load, and the disks of ${directories.length} registered directories are measured`;
      const target = planned({ target: 'machine', action: 'report', items: 0, estimatedMs: 0, strategy }, directories);
      return Promise.resolve({ targets: [target], warnings: [] });
    },
    async run(context, { minFreePercent, fullWithinDays, maxLoadPerProcessor }) {
      const { policies, asOf, hostId } = context;
      const progress = await context.target({ target: 'machine', planned: null, total: null });
      const host = await measureHost();
      const known = await samplesOf(context);
      const { disks: rooms, unreachable } = await measureDisks(directoriesOf(policies), probe);
      const disks = rooms.map((room) => diskOf(room, known.get(room.device) ?? [], asOf));
      await progress.advance({ seen: 2 + disks.length, cleaned: 0 });
      const warnings = [
        ...memoryWarnings(host, minFreePercent),
        ...loadWarnings(host, maxLoadPerProcessor),
        ...unreachable.map(unreachableWarning),
        ...disks.flatMap((it) => diskWarnings(it, minFreePercent, asOf + fullWithinDays * dayMs)),
      ];
      for (const { message } of warnings) context.note(message);
      return { details: { host: hostId, ...hostDetails(host), disks, unreachable, warnings } };
    },
  });

/** @see systemMonitoringBy */
export const systemMonitoring = systemMonitoringBy(probeDisk);

/** Every directory that a policy names, by the policy. */
function directoriesOf(policies: PolicySet): { name: string; directory: string }[] {
  const { logs, directoryCaches, directories, backups, retention } = policies;
  const archives = retention.flatMap(({ name, archive }) =>
    archive && 'directory' in archive ? [{ name, directory: archive.directory }] : [],
  );
  return [...logs, ...directoryCaches, ...directories, ...backups, ...archives];
}

/** What earlier runs on this machine kept, by disk: a disk that was not there for some of them is known from those before. */
async function samplesOf(context: TaskContext): Promise<Map<string, RoomSample[]>> {
  const earlier = (await context.earlier(mostEarlier, context.hostId)) as Details[];
  // A store of the host's own may not know whose runs are asked for.
  const disks = earlier
    .filter(({ host }) => host === context.hostId)
    .flatMap((it) => it.disks)
    .reverse();
  return new Map(
    disks.map(({ device, samples }) => [
      device,
      samples.map(({ at, freeMb }) => ({ at, freeBytes: freeMb * megabyte })),
    ]),
  );
}

function diskOf({ policies, device, ...room }: DiskRoom, known: readonly RoomSample[], now: number): Disk {
  const samples = thin([...known, { at: now, freeBytes: room.freeBytes }], now);
  const { bytesPerDay, fullAt } = forecastFull(samples, now);
  return {
    policies,
    device,
    totalMb: megabytes(room.totalBytes),
    freeMb: megabytes(room.freeBytes),
    inodes: room.inodes || null,
    freeInodes: room.inodes === 0 ? null : room.freeInodes,
    mbPerDay: bytesPerDay === null ? null : megabytes(bytesPerDay),
    fullAt,
    samples: samples.map(({ at, freeBytes }) => ({ at, freeMb: megabytes(freeBytes) })),
  };
}

function hostDetails(host: HostMeasures): Omit<Details, 'host' | 'disks' | 'unreachable' | 'warnings'> {
  const orNull = (bytes: number | null): number | null => (bytes === null ? null : megabytes(bytes));
  return {
    memoryTotalMb: megabytes(host.memoryTotalBytes),
    memoryFreeMb: megabytes(host.memoryAvailableBytes),
    memoryLimitMb: orNull(host.memoryLimitBytes),
    processMemoryMb: megabytes(host.processBytes),
    swapTotalMb: orNull(host.swapTotalBytes),
    swapFreeMb: orNull(host.swapFreeBytes),
    processors: host.processors,
    load: host.load,
    loadPerProcessor: host.load.map((it) => it / host.processors),
    pressure: host.pressure,
  };
}

function memoryWarnings(host: HostMeasures, minFreePercent: number): Warning[] {
  const percent = (host.memoryAvailableBytes / (host.memoryLimitBytes ?? host.memoryTotalBytes)) * 100;
  if (percent >= minFreePercent) return [];
  return [{ id: 'memory_low', message: `${percent.toFixed(1)} % of the memory is free.` }];
}

function loadWarnings({ load, processors }: HostMeasures, most = Infinity): Warning[] {
  const each = (load[2] ?? 0) / processors;
  if (each <= most) return [];
  return [{ id: 'load_high', message: `Over 15 minutes the load was ${each.toFixed(1)} for each processor.` }];
}

const unreachableWarning = ({ policy, reason }: Details['unreachable'][number]): Warning => ({
  id: `disk_unreachable:${policy}`,
  message: `The disk of ${policy} cannot be measured: ${reason}.`,
});

function diskWarnings(it: Disk, minFreePercent: number, before: number): Warning[] {
  const of = `the disk of ${it.policies.join(', ')}`;
  const warnings: Warning[] = [];
  const warn = (id: string, message: string): number => warnings.push({ id: `${id}:${it.device}`, message });
  const free = (it.freeMb / it.totalMb) * 100;
  if (free < minFreePercent) warn('disk_low', `${free.toFixed(1)} % of ${of} is free.`);
  if (it.inodes !== null && ((it.freeInodes ?? 0) / it.inodes) * 100 < minFreePercent)
    warn('inodes_low', `${it.freeInodes} more files fit on ${of}.`);
  if (it.fullAt !== null && it.fullAt <= before)
    warn('disk_full_soon', `Going on like this, ${of} is full on ${new Date(it.fullAt).toISOString().slice(0, 10)}.`);
  return warnings;
}
