import { createConnector, createResolver, type Connector, type EgressPolicy } from '@dotmac/core/net';
import { onTestFinished } from 'vitest';
import { dnsStub, type StubAnswer } from '../../../core/test/net/dns-stub.js';
import { listen, type Listening } from '../../../core/test/net/listeners.js';
import { judge, type Probe, type ProbeContext, type ProbeResult } from '../../src/probes/probe.js';

/** Towards servers of a test's own. */
export const loopback: EgressPolicy = { allow: ['loopback'] };

/** Probes 127.0.0.1 and says what it means; everything can be set otherwise. */
export function probed(probe: Probe, context: Partial<ProbeContext> & { port: number }): Promise<ProbeResult> {
  return judge(probe, {
    host: '127.0.0.1',
    timeoutMs: 5_000,
    expectedResponseTimeMs: 4_000,
    connector: createConnector({ policy: loopback }),
    signal: new AbortController().signal,
    ...context,
  });
}

/** A connector whose names are those of a table. */
export async function connectorKnowing(
  names: Record<string, StubAnswer>,
  policy: EgressPolicy = loopback,
): Promise<Connector> {
  const stub = await dnsStub(names);
  onTestFinished(() => stub.close());
  return createConnector({ policy, resolver: createResolver({ servers: [stub.server], timeoutMs: 300, tries: 1 }) });
}

/** Listens until the test is over. */
export async function serving(...args: Parameters<typeof listen>): Promise<Listening> {
  const listening = await listen(...args);
  onTestFinished(() => listening.close());
  return listening;
}
