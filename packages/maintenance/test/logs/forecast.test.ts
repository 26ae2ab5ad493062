import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { LogPolicy } from '../../src/policies/log-policy.js';
import { forecast, logFolder, rotate } from '../support/logs.js';

const now = Date.UTC(2026, 0, 31, 12);

it('what a rotation would do is what it does', async () => {
  const age = fc.integer({ min: 0, max: 40 });
  const files = fc.dictionary(
    fc.constantFrom('app.log', 'web.log', 'app.log.1', 'app.log.2', 'app.log.3', 'web.log.1', 'app.log.20260101'),
    fc.record({ age, bytes: fc.integer({ min: 0, max: 5_000 }) }),
  );
  const policy: fc.Arbitrary<Partial<LogPolicy>> = fc.record(
    {
      naming: fc.constantFrom('dated' as const, 'numbered' as const, { format: '%Y%m%d' }),
      maxSizeMb: fc.constantFrom(0.001, 1),
      maxAgeDays: age.filter((it) => it > 0),
      keepFiles: fc.integer({ min: 0, max: 3 }),
      retentionDays: age,
      compress: fc.constantFrom(false as const, {}, { delay: 1 }),
    },
    { requiredKeys: ['naming'] },
  );
  await fc.assert(
    fc.asyncProperty(files, policy, async (given, chosen) => {
      const folder = await logFolder(now);
      for (const [name, { age: days, bytes }] of Object.entries(given))
        await folder.write(name, 'x'.repeat(bytes), days);
      const before = await folder.names();
      const { rotate: logs, expire, compress, makeRoom } = await forecast(folder, chosen, { now });
      expect(await folder.names()).toEqual(before);
      const { counts, faults } = await rotate(folder, chosen, { now });
      await folder.remove();
      expect(faults).toEqual([]);
      const foretold = [logs.length, expire.length + makeRoom.length, compress.length];
      expect(foretold).toEqual([counts.rotated, counts.deleted, counts.compressed]);
    }),
    { numRuns: 60 },
  );
}, 120_000);
