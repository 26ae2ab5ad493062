import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { ScheduleFigures } from './monitoring/schedule.js';
import type { ProbeResult } from './probes/judge.js';

/** The monitor's own metrics. No tenant and no endpoint is a label: their number is not ours to bound. */
export interface HealthMetrics {
  checked(serviceType: string, result: ProbeResult): void;
  /** A check began this much after it was due. */
  late(lagMs: number): void;
  dropped(samples: number): void;
  /** A change of status is told to nobody, for too many wait to be stored. */
  changeDropped(): void;
  /** A settlement was written, or could not be. */
  flushed(tookMs: number, outcome: 'stored' | 'failed'): void;
  /** An attempt to deliver a message. */
  delivered(kind: string, outcome: 'delivered' | 'failed'): void;
  /** Where the gauges read what is going on. */
  observe(figures: () => ScheduleFigures): void;
  /** Where the gauge reads whether this process monitors. */
  observeMonitoring(isLeading: () => boolean): void;
  /** This process began to monitor. */
  tookOver(): void;
  /** Where the gauges read what waits to be stored. */
  observePending(figures: () => { results: number; minutes: number; unstoredMs: number }): void;
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
  const lag = new Histogram({
    name: 'dotmac_health_schedule_lag_seconds',
    help: 'How late checks began',
    buckets: [0.001, 0.01, 0.05, 0.1, 0.5, 1, 5, 30],
    registers,
  });
  const dropped = new Counter({
    name: 'dotmac_health_samples_dropped_total',
    help: 'Samples given up because the store stayed out of reach',
    registers,
  });
  const droppedChanges = new Counter({
    name: 'dotmac_health_changes_dropped_total',
    help: 'Changes of status that are told to nobody because the store stayed out of reach',
    registers,
  });
  const flushes = new Histogram({
    name: 'dotmac_health_flush_seconds',
    help: 'How long it took to store what was found out',
    labelNames: ['outcome'] as const,
    buckets: [0.001, 0.005, 0.025, 0.1, 0.5, 1, 5, 30],
    registers,
  });
  const gauge = (name: string, help: string, read: () => number): void => {
    new Gauge({
      ...{ name, help, registers },
      collect() {
        this.set(read());
      },
    });
  };
  const deliveries = new Counter({
    name: 'dotmac_health_alert_deliveries_total',
    help: 'Attempts to deliver alert messages',
    labelNames: ['kind', 'outcome'] as const,
    registers,
  });
  const takeovers = new Counter({
    name: 'dotmac_health_takeovers_total',
    help: 'How often this process began to monitor',
    registers,
  });
  return {
    checked(serviceType, { status, responseTimeMs }) {
      checks.inc({ service_type: serviceType, status });
      if (responseTimeMs !== null) seconds.observe({ service_type: serviceType }, responseTimeMs / 1_000);
    },
    late: (lagMs) => lag.observe(lagMs / 1_000),
    dropped: (samples) => dropped.inc(samples),
    changeDropped: () => droppedChanges.inc(),
    flushed: (tookMs, outcome) => flushes.observe({ outcome }, tookMs / 1_000),
    delivered: (kind, outcome) => deliveries.inc({ kind, outcome }),
    observe(figures) {
      const help = {
        planned: 'Endpoints with a check planned',
        waiting: 'Checks that are due and wait for a place',
        running: 'Checks under way',
      };
      for (const name of ['planned', 'waiting', 'running'] as const)
        gauge(`dotmac_health_checks_${name}`, help[name], () => figures()[name]);
      gauge(
        'dotmac_health_oldest_due_seconds',
        'For how long the check has been due that is due longest and has not begun; 0 when none is due',
        () => figures().overdueMs / 1_000,
      );
    },
    observeMonitoring(isLeading) {
      gauge('dotmac_health_monitoring', 'Whether this process is the one that monitors', () => Number(isLeading()));
    },
    tookOver: () => takeovers.inc(),
    observePending(figures) {
      gauge('dotmac_health_pending_results', 'Results that wait to be stored', () => figures().results);
      gauge('dotmac_health_pending_minutes', 'Minutes of sums that wait to be stored', () => figures().minutes);
      gauge(
        'dotmac_health_unstored_seconds',
        'How long ago all was stored that was to be; about a second while the store takes it',
        () => figures().unstoredMs / 1_000,
      );
    },
  };
}
