import { statfs } from 'node:fs/promises';
import { availableParallelism, freemem, loadavg, totalmem } from 'node:os';
import { z } from 'zod';
import { megabytes } from './parameters.js';
import { defineMaintenanceTask } from './task.js';

const details = z.object({
  memoryTotalMb: z.number(),
  memoryFreeMb: z.number(),
  processMemoryMb: z.number(),
  processors: z.number().int(),
  load: z.array(z.number()).describe('Over 1, 5 and 15 minutes'),
  disks: z.array(z.object({ policy: z.string(), totalMb: z.number(), freeMb: z.number() })),
});

/** Measures this machine: memory, load, and the disks that registered directories are on. */
export const systemMonitoring = defineMaintenanceTask({
  type: 'system_monitoring',
  name: 'System monitoring',
  description: 'Measures memory, load, and free space on the disks of registered directories',
  scope: 'host',
  parameters: z.object({}),
  details,
  plan: () => Promise.resolve({ targets: [], warnings: [] }),
  async run({ policies, target }) {
    const progress = await target({ target: 'machine', planned: null, total: null });
    const disks = [];
    for (const { name, directory } of [...policies.logs, ...policies.directoryCaches, ...policies.directories]) {
      const disk = await statfs(directory).catch(() => null);
      if (disk)
        disks.push({
          policy: name,
          totalMb: megabytes(disk.blocks * disk.bsize),
          freeMb: megabytes(disk.bavail * disk.bsize),
        });
    }
    await progress.advance({ seen: 2 + disks.length, cleaned: 0 });
    return {
      details: {
        memoryTotalMb: megabytes(totalmem()),
        memoryFreeMb: megabytes(freemem()),
        processMemoryMb: megabytes(process.memoryUsage.rss()),
        processors: availableParallelism(),
        load: loadavg(),
        disks,
      },
    };
  },
});
