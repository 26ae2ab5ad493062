import { Counter, Histogram, type Registry } from 'prom-client';
import type { ProbeResult } from './probes/probe.js';

/** The monitor's own metrics. No tenant and no endpoint is a label: their number is not ours to bound. */
export interface HealthMetrics {
  checked(serviceType: string, result: ProbeResult): void;
  dropped(samples: number): void;
}

/** Registers the metrics with the host's registry. */
export function healthMetrics(registry: Registry): HealthMetrics {
  const registers = [registry];
  const checks = new Counter({
    name: 'dotmac_health_checks_total',
    help: 'Checks by what they found out',
    labelNames: ['service_type', 'status'] as const,
    registers,
  });
  const seconds = new Histogram({
    name: 'dotmac_health_response_time_seconds',
    help: 'How long endpoints took to answer',
    labelNames: ['service_type'] as const,
    buckets: [0.001, 0.005, 0.025, 0.1, 0.5, 1, 5, 30],
    registers,
  });
  const dropped = new Counter({
    name: 'dotmac_health_samples_dropped_total',
    help: 'Samples given up because the store stayed out of reach',
    registers,
  });
  return {
    checked(serviceType, { status, responseTimeMs }) {
      checks.inc({ service_type: serviceType, status });
      if (responseTimeMs !== null) seconds.observe({ service_type: serviceType }, responseTimeMs / 1_000);
    },
    dropped: (samples) => dropped.inc(samples),
  };
}
