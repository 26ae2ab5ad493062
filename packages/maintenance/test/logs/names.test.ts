import { readFile, readdir, utimes, writeFile } from 'node:fs/promises';
import { gunzipSync } from 'node:zlib';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { LogPolicy } from '../../src/policies/log-policy.js';
import { day, forecast, logFolder, rotate } from '../support/logs.js';

const now = Date.UTC(2026, 0, 31, 12);
const path = (directory: string, name: Buffer): Buffer => Buffer.concat([Buffer.from(`${directory}/`), name]);

/** Any bytes that a name may have: also what is no UTF-8, ends of lines, surrogates, what changes the direction of writing. */
const anyByte = fc.integer({ min: 1, max: 255 }).filter((byte) => byte !== 0x2f);
const fragments = ['\n', '\r\n', '\u2028', '\u202e', '\u{1f600}', '.1', '.gz', '%Y', ' ', '"', '\\', 'é'];
const anyName = fc
  .array(
    fc.oneof(
      anyByte.map((byte) => Buffer.of(byte)),
      fc.constantFrom(...fragments).map((text) => Buffer.from(text)),
    ),
    { minLength: 1, maxLength: 12 },
  )
  .map((parts) => Buffer.concat([Buffer.from('n'), ...parts, Buffer.from('.log')]));

const ways: Partial<LogPolicy>[] = [
  { naming: 'numbered', reopen: () => undefined },
  { naming: 'dated', every: 'day', create: true },
  { naming: { format: '%Y-%m-%d' }, method: 'copytruncate' },
];

it('logs of any names are rotated, compressed and found again, three times over', { timeout: 120_000 }, async () => {
  const names = fc.uniqueArray(anyName, { minLength: 1, maxLength: 4, selector: (it_) => it_.toString('hex') });
  await fc.assert(
    fc.asyncProperty(names, fc.constantFrom(...ways), async (logs, way) => {
      const folder = await logFolder(now);
      try {
        const written: string[] = [];
        for (let round = 0; round < 3; round++) {
          const at = now + round * day;
          for (const [index, name] of logs.entries()) {
            const line = `${index} ${round}`;
            written.push(line);
            await writeFile(path(folder.directory, name), `${line}\n`);
            await utimes(path(folder.directory, name), at / 1_000, at / 1_000);
          }
          const policy = { ...way, maxSizeMb: 1e-9 };
          const foretold = await forecast(folder, policy, { now: at });
          const { counts, faults } = await rotate(folder, policy, { now: at });
          expect(faults).toEqual([]);
          expect([counts.rotated, counts.compressed]).toEqual([logs.length, foretold.compress.length]);
        }
        const lines: string[] = [];
        const left = await readdir(folder.directory, { encoding: 'buffer' });
        for (const name of left) {
          const bytes = await readFile(path(folder.directory, name));
          const isPacked = bytes[0] === 0x1f && bytes[1] === 0x8b;
          if (name.toString().startsWith('.dotmac')) continue;
          lines.push(...(isPacked ? gunzipSync(bytes) : bytes).toString().split('\n').filter(Boolean));
        }
        expect(lines.sort()).toEqual(written.sort());
        // Every one was packed: none was taken for something else.
        expect(left.filter((name) => name.toString().endsWith('.gz'))).toHaveLength(written.length);
      } finally {
        await folder.remove();
      }
    }),
    { numRuns: 25 },
  );
});
