import { fork } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { bundleWorker } from '../../../../test/support/bundle-worker.js';
import { holdDirectory } from '../../src/updates/hold-directory.js';
import { runToItsEnd } from '../../src/updates/run-to-its-end.js';

describe('running a program that must not be cut off', () => {
  let folder: string;
  beforeEach(async () => void (folder = await mkdtemp(join(tmpdir(), 'dotmac-end-'))));
  afterEach(() => rm(folder, { recursive: true }));

  const run = (script: string, patienceMs = 20_000) =>
    runToItsEnd({ program: 'node', args: ['-e', script, join(folder, 'mark')], patienceMs });
  const marking = 'require("fs").writeFileSync(process.argv[1], "done")';
  const marked = () => expect.poll(() => readFile(join(folder, 'mark'), 'utf8').catch(() => ''), { timeout: 20_000 });

  it('gives back what it wrote and how it ended, and nothing to read', async () => {
    const script = 'console.log("out"); console.error(require("fs").readFileSync(0, "utf8") + "err"); process.exit(3)';
    expect(await run(script)).toEqual({ code: 3, stdout: 'out\n', stderr: 'err\n' });
    await expect(runToItsEnd({ program: 'dotmac-is-no-program', args: [], patienceMs: 1_000 })).rejects.toThrow(
      'is not installed',
    );
  });

  it('lets it write as much as it will, and reads the end of that', async () => {
    const script = `for (let i = 0; i < 40; i++) require("fs").writeSync(2, "x".repeat(2 ** 20)); console.error("E: last"); ${marking}`;
    const { code, stderr } = await run(script);
    expect([code, stderr.length, stderr.slice(-8)]).toEqual([0, 16 * 2 ** 20, 'E: last\n']);
    await marked().toBe('done');
  });

  it('waits no longer than it was told to, and lets it go on', async () => {
    const onWord = `setInterval(() => { if (!require("fs").existsSync(process.argv[1] + ".go")) return;
      console.log("on"); ${marking}; process.exit() }, 20)`;
    await expect(run(onWord, 300)).rejects.toThrow('goes on by itself');
    expect(await readdir(folder)).toEqual([]);
    await writeFile(join(folder, 'mark.go'), '');
    await marked().toBe('done');
  });

  it('goes on when the process that began it is killed, and holds its directory until it ends', async () => {
    const worker = await bundleWorker(new URL('running-worker.ts', import.meta.url));
    onTestFinished(worker.remove);
    // As long as its parent is there it waits.
    const script = `const parent = process.ppid; require("fs").writeFileSync(process.argv[1], "begun");
      setInterval(() => { console.log("on"); if (process.ppid !== parent) ${marking};
      if (require("fs").existsSync(process.argv[1] + ".go")) process.exit() }, 50)`;
    const child = fork(worker.path, [script, join(folder, 'mark'), folder], {
      env: { ...process.env, TMPDIR: folder },
    });
    await marked().toBe('begun');
    child.kill('SIGKILL');
    await marked().toBe('done');
    await expect(holdDirectory(folder)).rejects.toThrow('still at work');
    await writeFile(join(folder, 'mark.go'), '');
    const held = () => holdDirectory(folder).then((directory) => directory.close());
    await expect.poll(held).toBeUndefined();
  });
});
