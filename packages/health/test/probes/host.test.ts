import { execFileSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmSync, statfsSync } from 'node:fs';
import { tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Condition } from '../../src/conditions/condition.js';
import { hostProbe } from '../../src/probes/host.js';
import { probed } from '../support/probing.js';

/** What one run of the probe measures, with these folders and configuration. */
async function measured(disks: Record<string, string> = {}, config: Record<string, unknown> = {}) {
  const probe = hostProbe({ disks });
  const facts: Record<string, Record<string, number>>[] = [];
  const result = await probed(
    {
      ...probe,
      run: async (context) => {
        const observation = await probe.run(context);
        facts.push(observation.facts as (typeof facts)[number]);
        return observation;
      },
    },
    { config },
  );
  return { result, facts: facts[0] ?? {} };
}
const condition = (on: string, op: Condition['op'], value?: number): Condition => ({
  on,
  op,
  ...(value !== undefined && { value }),
  severity: 'degraded',
});

describe('the machine and process', () => {
  it('are measured, and healthy as long as no condition says otherwise', async () => {
    const { result, facts } = await measured();
    expect(result).toMatchObject({ status: 'healthy', message: 'Measured' });
    expect(result.responseTimeMs).toBeGreaterThan(0);
    const { memory, load, loop, descriptors, disks } = facts;
    expect(memory?.['free_percent']).toBeGreaterThan(0);
    expect(memory?.['free_percent']).toBeLessThan(100);
    expect(memory?.['rss_bytes']).toBeGreaterThan(1e6);
    expect(memory?.['rss_bytes']).toBeLessThan(totalmem());
    for (const minutes of ['one', 'five', 'fifteen', 'per_core']) expect(load?.[minutes]).toBeGreaterThanOrEqual(0);
    expect(load?.['per_core']).toBeLessThanOrEqual(load?.['one'] ?? NaN);
    expect(loop?.['delay_p99_ms']).toBeGreaterThanOrEqual(0);
    expect(loop?.['utilization']).toBeLessThanOrEqual(1);
    expect(facts['uptime_seconds']).toBeGreaterThan(0);
    expect(disks).toEqual({});
    expect(descriptors === undefined).toBe(process.platform !== 'linux');
  });

  it('are judged by conditions', async () => {
    const on = (conditions: Condition[]) =>
      probed(hostProbe({ disks: { data: '/' } }), { config: { disk: ['data'] }, conditions });
    const right = [condition('memory.free_percent', 'gte', 0), condition('disks.data.free_percent', 'lte', 100)];
    expect(await on(right)).toMatchObject({ status: 'healthy' });
    for (const wrong of [condition('memory.rss_bytes', 'lt', 1_000), condition('disks.other.free_percent', 'gt', 0)])
      expect(await on([...right, wrong])).toMatchObject({ status: 'degraded' });
  });

  it.skipIf(process.platform !== 'linux')('have a number of open descriptors, and a limit', async () => {
    const before = (await measured()).facts['descriptors'];
    const opened = Array.from({ length: 20 }, () => openSync('/dev/null', 'r'));
    onTestFinished(() => opened.forEach((descriptor) => closeSync(descriptor)));
    const after = (await measured()).facts['descriptors'];
    expect((after?.['open'] ?? NaN) - (before?.['open'] ?? NaN)).toBeGreaterThan(10);
    expect(after?.['limit']).toBeGreaterThan(after?.['open'] ?? NaN);
    expect(after?.['used_percent']).toBeGreaterThan(0);
  });
});

describe('the event loop', () => {
  it('is late once it stood still, and busy', async () => {
    await measured();
    // A sample is taken on either side of a standstill; several, for what one in a hundred samples is, nobody is told.
    for (let turn = 0; turn < 4; turn++) {
      await new Promise((resolve) => setTimeout(resolve, 60));
      const until = performance.now() + 300;
      while (performance.now() < until);
    }
    await expect
      .poll(async () => (await measured()).facts['loop'], { timeout: 5_000 })
      .toMatchObject({ delay_p99_ms: expect.toSatisfy((ms: number) => ms > 150 && ms < 5_000) as number });
    expect((await measured()).facts['loop']?.['utilization']).toBeGreaterThan(0);
  });

  it('that is watched does not hold the process open', () => {
    const script = `const { monitorEventLoopDelay } = require('node:perf_hooks');
      monitorEventLoopDelay({ resolution: 20 }).enable(); process.stdout.write('done');`;
    const output = execFileSync(process.execPath, ['-e', script], { timeout: 10_000, encoding: 'utf8' });
    expect(output).toBe('done');
  });
});

describe('the disks', () => {
  it('are those that the host application named, as df counts', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'dotmac-disk-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const { facts } = await measured({ data: folder, root: '/' }, { disk: ['data'] });
    const disks = facts['disks'] as unknown as Record<string, Record<string, number>>;
    expect(Object.keys(disks)).toEqual(['data']);
    const { bavail, bsize, blocks, bfree } = statfsSync(folder);
    const { free_bytes: bytes = NaN, free_percent: percent, inodes_free_percent: inodes } = disks['data'] ?? {};
    expect(Math.abs(bytes - bavail * bsize)).toBeLessThan(1e9);
    expect(percent).toBeCloseTo((100 * bavail) / (blocks - bfree + bavail), 0);
    expect(inodes).toBeGreaterThan(0);
    expect(inodes).toBeLessThanOrEqual(100);
  });

  it.each(['other', 'constructor', '/etc'])('that nobody named are not there (%s)', async (name) => {
    const { result } = await measured({ data: '/' }, { disk: [name] });
    const message = `The host application has named no disk "${name}"`;
    expect(result).toEqual({ status: 'offline', code: 'target_missing', responseTimeMs: null, message });
  });

  it('that cannot be read are critical', async () => {
    const { result } = await measured({ data: '/nonexistent/folder' }, { disk: ['data'] });
    expect(result).toMatchObject({ status: 'critical', message: 'The disk data cannot be read' });
    expect(JSON.stringify(result)).not.toContain('nonexistent');
  });

  it.each([[{ disk: 'data' }], [{ disk: [''] }], [{ disk: ['a', 'b', 'c', 'd', 'e', 'f'] }], [{ path: '/' }]])(
    'cannot be asked for like %j',
    (config) => {
      expect(hostProbe().config.safeParse(config).success).toBe(false);
    },
  );

  it.each([{ '': '/' }, { 'a.b': '/' }, { '1': '/' }, { data: 'var/lib' }])('cannot be named like %j', (disks) => {
    expect(() => hostProbe({ disks: disks as unknown as Record<string, string> })).toThrow(
      expect.objectContaining({ code: 'INVALID_ARGUMENT' }),
    );
  });
});
