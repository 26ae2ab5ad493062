import type { Clock, StopSignal } from '@dotmac/core';
import { asksTheSame } from '../endpoints/asks-the-same.js';
import type { EndpointRecord } from '../endpoints/endpoint.js';
import { nothingFound, type ProbeResult } from '../probes/judge.js';
import type { OutcomeCode } from '../probes/outcomes.js';
import type { AnyProbe } from '../probes/probe.js';
import { runProbe, type RunningProbe } from '../probes/run-probe.js';
import type { KeptEndpoint } from './directory.js';
import type { Prepare } from './prepare.js';

/** Probes endpoints, each by itself. */
export interface Probing {
  probe(kept: KeptEndpoint, signal: StopSignal): Promise<ProbeResult>;
  forget(endpointId: string): void;
}

/** A probe that goes on after its deadline, of the endpoint as it was. */
interface StuckProbe {
  endpoint: EndpointRecord;
  running: RunningProbe;
  /** By the monotonic clock. */
  heldUntil: number;
}

/** One lost query, which may wait for hours, is not to make an outage last that is over. */
const longestHoldMs = 5 * 60_000;

/**
 * Makes a {@link Probing}. A probe that went on after its deadline holds its endpoint: it is not probed again before that
 * ends, or five minutes have gone by, and no answer in time is what each of its checks comes to.
 */
export function createProbing({ prepare, clock }: { prepare: Prepare; clock: Clock }): Probing {
  const stuck = new Map<string, StuckProbe>();
  /** What a check comes to whose endpoint is held; undefined when it is not. */
  const heldAs = (endpoint: EndpointRecord, { ownRecords = false }: AnyProbe): OutcomeCode | undefined => {
    const held = stuck.get(endpoint.id);
    if (!held) return undefined;
    const isOver = held.running.hasEnded() || clock.monotonic() >= held.heldUntil;
    if (isOver || !asksTheSame(held.endpoint, endpoint)) {
      stuck.delete(endpoint.id);
      return undefined;
    }
    return ownRecords ? 'check_failed' : 'check_stuck';
  };
  return {
    async probe({ endpoint }, signal) {
      const { id, timeout, expectedResponseTime, conditions } = endpoint;
      const ready = prepare(endpoint);
      if ('fault' in ready) return { ...nothingFound(ready.fault.code), message: ready.fault.message };
      const { probe, target, connector } = ready;
      const held = heldAs(endpoint, probe);
      if (held) return nothingFound(held);
      const expected = { timeoutMs: timeout * 1_000, expectedResponseTimeMs: expectedResponseTime * 1_000, conditions };
      const running = runProbe({ probe, target, expected, connector, clock, signal });
      const result = await running.result;
      // One that we stopped ourselves was not late.
      if (!running.hasEnded() && !signal.aborted)
        stuck.set(id, { endpoint, running, heldUntil: clock.monotonic() + longestHoldMs });
      return result;
    },
    forget: (endpointId) => void stuck.delete(endpointId),
  };
}
