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

const [second, minute, hour] = [1_000, 60_000, 3_600_000];
const lisbon = { naming: { format: '%Y-%m-%dT%H%M%S' }, timeZone: 'Europe/Lisbon' };

it.each<[when: string, way: Partial<LogPolicy>, from: number, steps: number[]]>([
  [
    'there are several a day, named by the day',
    { naming: { format: '%Y-%m-%d' } },
    now,
    [0, 1, 2, 3, 4].map((n) => n * hour),
  ],
  ['there are several a second', { naming: { format: '%s' } }, now, [0, 0, 0, 0, second]],
  // From 01:00 UTC on, the clocks show 01:00 to 02:00 again.
  [
    'clocks show an hour again',
    lisbon,
    Date.UTC(2026, 9, 25, 0, 50),
    [0, 20, 40, 69, 70, 71, 90].map((n) => n * minute),
  ],
  ['the clock was set back by hours', { naming: 'dated' }, now, [0, minute, -5 * hour, -4 * hour, -4 * hour, hour]],
])('those that were rotated last are kept, when %s', async (_, way, from, steps) => {
  for (const compress of [false, {}] as const)
    for (const keepFiles of [1, 2]) {
      const folder = await logFolder(now);
      try {
        for (const [index, step] of steps.entries()) {
          await folder.write('app.log', `line ${index}\n`);
          const policy = { ...way, maxSizeMb: 1e-9, keepFiles, compress };
          const { counts, faults } = await rotate(folder, policy, { now: from + step });
          expect([counts.rotated, faults]).toEqual([1, []]);
          const newest = steps.slice(0, index + 1).map((_, nth) => `line ${nth}`);
          expect((await folder.lines()).sort()).toEqual(newest.slice(-keepFiles));
        }
      } finally {
        await folder.remove();
      }
    }
});

it('a name that is far ahead, of a clock that was wrong, names none after it', async () => {
  const folder = await logFolder(now);
  try {
    await folder.write('app.log.20360101T000000Z', 'from the future\n');
    await folder.write('app.log', 'line\n');
    await rotate(folder, { maxSizeMb: 1e-9, compress: false }, { now });
    expect(await folder.names()).toEqual(['app.log.20260131T120000Z', 'app.log.20360101T000000Z']);
  } finally {
    await folder.remove();
  }
});
