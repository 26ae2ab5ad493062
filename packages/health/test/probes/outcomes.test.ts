import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ConnectFailure, type ConnectFailureCode } from '@dotmac/core/net';
import { describe, expect, it } from 'vitest';
import { defineProbe, outcomes, Unreachable, WrongAnswer } from '../../src/index.js';
import { failed, judge } from '../../src/probes/judge.js';
import { codeFor, keptCode } from '../../src/probes/outcomes.js';
import { CannotCheck } from '../../src/probes/probe.js';
import { resultOf } from '../../src/monitoring/passive.js';

const root = join(import.meta.dirname, '../../../..');
const sources = ['packages/health/src', 'packages/probes-isp/src'].flatMap((folder) =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && !name.startsWith('testing'))
    .map((name) => ({ name, text: readFileSync(join(root, folder, name), 'utf8') })),
);
const codes = Object.keys(outcomes);

describe('the table of outcomes', () => {
  it('is what docs/outcomes.md has', () => {
    const page = readFileSync(join(root, 'docs/outcomes.md'), 'utf8');
    const rows = [...page.matchAll(/^\| `(\w+)` +\| (\S.*?) +\| (\S.*?) +\|$/gm)].map(([, code, is, means]) => [
      code,
      { is: is?.replaceAll('`', ''), means },
    ]);
    expect(Object.fromEntries(rows)).toEqual(outcomes);
    expect(rows).toHaveLength(codes.length);
  });

  it('has codes alone that fit their pattern and their column', () => {
    expect(codes.filter((code) => !/^[a-z][a-z0-9_]{0,39}$/.test(code))).toEqual([]);
  });

  it('has none that nothing comes to', () => {
    const others = sources.filter(({ name }) => name !== 'probes/outcomes.ts').map(({ text }) => text);
    const inTable = ['ok', 'degraded', 'wrong_answer', 'no_answer', 'cannot_check', 'unspecified'];
    // Made of the state that the engine tells.
    const made = ['container_paused', 'container_starting'];
    const unused = codes.filter((code) => !others.some((text) => text.includes(`'${code}'`)));
    expect(unused.filter((code) => ![...inTable, ...made].includes(code))).toEqual([]);
  });

  it('names what every built-in probe throws', () => {
    const thrown = /new (?:WrongAnswer|Unreachable|CannotCheck)\((?:[^()`]|\((?:[^()]|\([^()]*\))*\)|`[^`]*`)*\)/g;
    const sites = sources.flatMap(({ name, text }) => [...text.matchAll(thrown)].map(([site]) => ({ name, site })));
    expect(sites.length).toBeGreaterThan(50);
    // Those that hand on the code that they were given.
    const handed = /^new WrongAnswer\((?:message, \{ \.\.\.\(code|silence\.message, silence)/;
    expect(sites.filter(({ site }) => !/\bcode\b/.test(site) && !handed.test(site))).toEqual([]);
  });
});

describe('the code of a result', () => {
  const expected = { expectedResponseTimeMs: 100, conditions: [] };
  const fine = { responseTimeMs: 1, message: 'Fine' };

  it.each([
    ['refused', 'connection_refused'],
    ['timeout', 'timeout'],
    ['name_not_found', 'dns_not_found'],
    ['unreachable', 'host_unreachable'],
    ['reset', 'connection_closed'],
    ['tls_failed', 'tls_failed'],
    ['certificate_expired', 'certificate_expired'],
    ['certificate_invalid', 'certificate_invalid'],
    ['denied', 'egress_denied'],
    ['dns_failed', 'own_dns'],
    ['out_of_descriptors', 'own_descriptors'],
    ['aborted', 'check_stopped'],
    ['failed', 'check_failed'],
  ] satisfies [ConnectFailureCode, string][])('for a connection that ended as %s is %s', (failure, code) => {
    const { is, means } = outcomes[code as keyof typeof outcomes];
    expect(failed(new ConnectFailure(failure))).toEqual({ status: is, code, responseTimeMs: null, message: means });
  });

  it('is that of the condition, the slowness or the worry that decided it', () => {
    const condition = { on: 'a', op: 'exists' as const, severity: 'degraded' as const };
    expect(judge(fine, { ...expected, conditions: [condition] })).toMatchObject({ code: 'condition_failed' });
    expect(judge({ ...fine, responseTimeMs: 101 }, expected)).toMatchObject({ status: 'degraded', code: 'slow' });
    expect(judge({ ...fine, degraded: 'Soon' }, expected)).toMatchObject({ status: 'degraded', code: 'degraded' });
    expect(judge(fine, expected)).toMatchObject({ status: 'healthy', code: 'ok' });
    expect(judge({ ...fine, responseTimeMs: NaN }, expected)).toMatchObject({
      status: 'unknown',
      code: 'check_failed',
    });
  });

  it('is the host’s own where its probe gives one', () => {
    const standby = defineProbe({
      ...{ serviceType: 'queue', summary: '', addressing: 'none' as const, config: undefined as never },
      run: () => Promise.resolve({ ...fine, code: 'on_standby' }),
    });
    expect(standby.serviceType).toBe('queue');
    expect(judge({ ...fine, code: 'on_standby' }, expected)).toMatchObject({ status: 'healthy', code: 'on_standby' });
    expect(judge({ ...fine, degraded: 'Soon', code: 'disk_filling' }, expected)).toMatchObject({
      code: 'disk_filling',
    });
    expect(failed(new WrongAnswer('No', { code: 'queue_missing' }))).toMatchObject({ code: 'queue_missing' });
    expect(failed(new Unreachable('No', { code: 'broker_gone' }))).toMatchObject({ code: 'broker_gone' });
    expect(failed(new CannotCheck('No', { code: 'no_key' }))).toMatchObject({ code: 'no_key' });
    expect(resultOf({ ok: false, code: 'payment_declined' }, 100)).toMatchObject({ code: 'payment_declined' });
  });

  it.each([
    ['nothing', undefined],
    ['text of the other side', 'password authentication failed for user "neo"'],
    ['capitals', 'ECONNREFUSED'],
    ['too much', 'a'.repeat(41)],
    ['no text', 42],
  ])('says no more than the status when %s was given', (_, given) => {
    const all = ['healthy', 'degraded', 'critical', 'offline', 'unknown'] as const;
    const found = all.map((status) => codeFor(status, given));
    expect(found).toEqual(['ok', 'degraded', 'wrong_answer', 'no_answer', 'cannot_check']);
  });

  it('of what was kept before there were codes is known where it was healthy', () => {
    expect(keptCode('healthy', undefined)).toBe('ok');
    expect(keptCode('offline', null)).toBe('unspecified');
    expect(keptCode('offline', 'timeout')).toBe('timeout');
  });
});
