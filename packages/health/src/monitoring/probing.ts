import type { Clock, StopSignal } from '@dotmac/core';
import { nothingFound, type ProbeResult } from '../probes/judge.js';
import { runProbe, type RunningProbe } from '../probes/run-probe.js';
import type { KeptEndpoint } from './directory.js';
import type { Prepare } from './prepare.js';

/** Probes endpoints, each by itself. */
export interface Probing {
  probe(kept: KeptEndpoint, signal: StopSignal): Promise<ProbeResult>;
  forget(endpointId: string): void;
}

/** Makes a {@link Probing}. A probe that went on after its deadline holds its endpoint: it is not probed again before that ends. */
export function createProbing({ prepare, clock }: { prepare: Prepare; clock: Clock }): Probing {
  const stuck = new Map<string, RunningProbe>();
  const isStuck = (endpointId: string): boolean => {
    if (!stuck.has(endpointId)) return false;
    if (stuck.get(endpointId)?.hasEnded()) stuck.delete(endpointId);
    return stuck.has(endpointId);
  };
  return {
    async probe({ endpoint }, signal) {
      const { id, timeout, expectedResponseTime, conditions } = endpoint;
      const ready = prepare(endpoint);
      if ('fault' in ready) return { ...nothingFound(ready.fault.code), message: ready.fault.message };
      if (isStuck(id)) return nothingFound('check_stuck');
      const expected = { timeoutMs: timeout * 1_000, expectedResponseTimeMs: expectedResponseTime * 1_000, conditions };
      const { probe, target, connector } = ready;
      const running = runProbe({ probe, target, expected, connector, clock, signal });
      const result = await running.result;
      if (!running.hasEnded()) stuck.set(id, running);
      return result;
    },
    forget: (endpointId) => void stuck.delete(endpointId),
  };
}
