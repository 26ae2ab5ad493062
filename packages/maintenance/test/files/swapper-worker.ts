// A process that turns directories and files into links to others and back, as fast as it can, until it is killed
// or alone.
// Arguments: pairs of what to swap and what the link leads to.
import { linkSync, renameSync, symlinkSync, unlinkSync } from 'node:fs';

const words = process.argv.slice(2);
const pairs = Array.from({ length: words.length / 2 }, (_, i) => [words[2 * i] ?? '', words[2 * i + 1] ?? ''] as const);
const tried = (act: () => void): boolean => {
  try {
    act();
    return true;
  } catch {
    // Whoever is swapped against was faster.
    return false;
  }
};
process.send?.('ready');
const parent = process.ppid;
for (let round = 0; process.ppid === parent; round++)
  for (const [path, target] of pairs) {
    const moved = tried(() => renameSync(path, `${path}~`));
    // A file is at times a hard link.
    const linked = round % 2 === 1 && tried(() => linkSync(target, path));
    if (linked || tried(() => symlinkSync(target, path))) tried(() => unlinkSync(path));
    if (moved) tried(() => renameSync(`${path}~`, path));
  }
