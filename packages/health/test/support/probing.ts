import { setTimeout as passes } from 'node:timers/promises';
import { systemClock, type Clock } from '@dotmac/core';
import { createConnector, createResolver, type Connector, type EgressPolicy } from '@dotmac/core/net';
import { fakeClock } from '@dotmac/core/testing';
import { expect, onTestFinished } from 'vitest';
import { dnsStub, type StubAnswer } from '../../../core/test/net/dns-stub.js';
import { listen, type Listening } from '../../../core/test/net/listeners.js';
import type { Condition } from '../../src/conditions/condition.js';
import { runProbe } from '../../src/probes/run-probe.js';
import type { ProbeResult } from '../../src/probes/judge.js';
import { outcomes, type OutcomeCode } from '../../src/probes/outcomes.js';
import type { AnyProbe } from '../../src/probes/probe.js';

/** Towards servers of a test's own. */
export const loopback: EgressPolicy = { allow: ['loopback'] };

/** What a test may set otherwise. */
export interface Probing {
  host?: string;
  port?: number;
  /** As an endpoint would have it. */
  config?: Record<string, unknown>;
  conditions?: Condition[];
  timeoutMs?: number;
  expectedResponseTimeMs?: number;
  connector?: Connector;
  clock?: Clock;
  signal?: AbortSignal;
}

/**
 * Probes 127.0.0.1 as the monitor does and says what it means; everything can be set otherwise. Whatever comes of it has a
 * code of the table, with the status that the table says, and a total that its parts are in; of which nobody has to speak then.
 */
export async function probed(probe: AnyProbe, probing: Probing = {}): Promise<ProbeResult> {
  const { config = {}, conditions = [], timeoutMs = 5_000, expectedResponseTimeMs = 4_000, signal } = probing;
  const { clock = systemClock } = probing;
  const found = await runProbe({
    probe,
    target: { host: probing.host ?? '127.0.0.1', port: probing.port ?? 0, config: probe.config.parse(config) as never },
    expected: { timeoutMs, expectedResponseTimeMs, conditions },
    connector: probing.connector ?? createConnector({ policy: loopback, clock }),
    clock,
    signal: signal ?? new AbortController().signal,
  }).result;
  const { is } = outcomes[found.code as OutcomeCode] ?? expect.unreachable(`${found.code} is in no table`);
  expect(is.split(' or '), found.code).toContain(found.status);
  const { totalMs = NaN, ...parts } = found.phases ?? {};
  // What ping tells is its own time, whether it took that long or not.
  const { firstByteMs = 0, ...others } = parts;
  const sum = Object.values(others).reduce((all, ms) => all + ms, probe.serviceType === 'icmp' ? 0 : firstByteMs);
  expect(totalMs).toBeGreaterThanOrEqual(sum - 0.01);
  const { phases, ...rest } = found;
  return Object.keys(parts).length > 0 ? { ...rest, phases: parts } : rest;
}

/** Does something by a clock that stands still whenever this process does: what was answered before a deadline is in time. */
export async function inSteps<Result>(work: (clock: Clock) => Promise<Result>): Promise<Result> {
  const clock = fakeClock();
  let isOver = false;
  const working = work(clock).finally(() => (isOver = true));
  for (; !isOver; await passes(1)) await clock.advance(5);
  return working;
}

/** A connector whose names are those of a table, which a silent server is asked for so long. */
export async function connectorKnowing(
  names: Record<string, StubAnswer>,
  policy: EgressPolicy = loopback,
  timeoutMs = 10_000,
): Promise<Connector> {
  const stub = await dnsStub(names);
  onTestFinished(() => stub.close());
  return createConnector({ policy, resolver: createResolver({ servers: [stub.server], timeoutMs, tries: 1 }) });
}

/** Listens until the test is over. */
export async function serving(...args: Parameters<typeof listen>): Promise<Listening> {
  const listening = await listen(...args);
  onTestFinished(() => listening.close());
  return listening;
}

/**
 * That phases follow each other within a response time, and none is counted twice. Between them lies what this process did
 * meanwhile, which on a busy machine may be much.
 */
export function expectWithin(responseTimeMs: number | null, phases: readonly number[]): void {
  for (const phase of phases) expect(phase).toBeGreaterThanOrEqual(0);
  const sum = phases.reduce((total, phase) => total + phase, 0);
  expect(sum).toBeGreaterThan(0);
  expect(sum).toBeLessThanOrEqual((responseTimeMs ?? NaN) + 0.01);
}
