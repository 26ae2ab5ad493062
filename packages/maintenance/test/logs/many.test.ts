import { expect, it } from 'vitest';
import { expired, packable, type RotatedFile } from '../../src/logs/rules.js';

const count = 4_000;

/** Rotated files of one log, and how often anybody looked at what they are. */
function watchedFiles(): { files: RotatedFile[]; looks: () => number } {
  let looks = 0;
  const files = Array.from({ length: count }, (_, index) => {
    const file = { name: `app.log.${index + 1}`, suffix: '', facts: { mtimeMs: -index } };
    return Object.defineProperties(file, {
      log: { enumerable: true, get: () => ((looks += 1), 'app.log') },
      rank: { enumerable: true, get: () => ((looks += 1), index + 1) },
    }) as unknown as RotatedFile;
  });
  return { files, looks: () => looks };
}

it('of thousands of rotated files those that go are found without looking at each for the sake of each', () => {
  const { files, looks } = watchedFiles();
  expect(expired(files, { cutoff: undefined, files: count - 10 })).toHaveLength(10);
  expect(packable(files, count - 20)).toHaveLength(20);
  expect(looks()).toBeLessThan(100 * count);
});
