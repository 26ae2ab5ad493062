import { describe, expect, it } from 'vitest';
import { runProgram } from '../../src/updates/run-program.js';

const run = (script: string, more: object = {}) =>
  runProgram({ program: 'node', args: ['-e', script], deadlineMs: 20_000, ...more });

describe('running a program', () => {
  it('gives back what it wrote and how it ended', async () => {
    expect(await run('console.log("out"); console.error("err"); process.exit(3)')).toEqual({
      code: 3,
      stdout: 'out\n',
      stderr: 'err\n',
    });
  });
  it('shows it nothing of this process’s environment but where programs and the home are', async () => {
    process.env['DOTMAC_TEST_SECRET'] = 'x';
    const { stdout } = await run('console.log(Object.keys(process.env).sort().join())', { env: { MORE: '1' } });
    delete process.env['DOTMAC_TEST_SECRET'];
    expect(stdout).toBe('HOME,LANG,LC_ALL,MORE,PATH\n');
  });
  it('has no shell between', async () => {
    const { stdout } = await runProgram({
      program: 'node',
      args: ['-p', 'process.argv[1]', '$(id); `id` && id'],
      deadlineMs: 20_000,
    });
    expect(stdout).toBe('$(id); `id` && id\n');
  });
  it('ends what takes too long, writes without an end, or is not wanted any more', async () => {
    await expect(run('setInterval(() => {}, 1000)', { deadlineMs: 300 })).rejects.toThrow(
      'did not come to its end in time',
    );
    await expect(run('for (;;) require("fs").writeSync(1, "x".repeat(65536))')).rejects.toThrow(
      'more than can be read',
    );
    const controller = new AbortController();
    const running = run('setInterval(() => {}, 1000)', { signal: controller.signal });
    controller.abort(new Error('enough'));
    await expect(running).rejects.toThrow('enough');
  });
  it('says when it is not there', async () => {
    await expect(runProgram({ program: 'dotmac-is-no-program', args: [], deadlineMs: 1_000 })).rejects.toThrow(
      'is not installed',
    );
  });
});
