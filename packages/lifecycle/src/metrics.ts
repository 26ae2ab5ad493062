import { Counter, type Registry } from 'prom-client';

/** The lifecycle's own metrics. No tenant and no customer is a label: their number is not ours to bound. */
export interface LifecycleMetrics {
  happened(eventName: string): void;
  stepEnded(serviceName: string, phase: 'run' | 'compensate', isDone: boolean): void;
}

/** Registers the metrics with the host's registry; without one, counts nothing. */
export function lifecycleMetrics(registry: Registry | undefined): LifecycleMetrics {
  if (!registry) return { happened() {}, stepEnded() {} };
  const registers = [registry];
  const events = new Counter({
    name: 'dotmac_lifecycle_events_total',
    help: 'Events of customers and services, counted by the process that saw them committed',
    labelNames: ['event'] as const,
    registers,
  });
  const steps = new Counter({
    name: 'dotmac_lifecycle_provisioning_steps_total',
    help: 'Attempts at provisioning steps by what became of them',
    labelNames: ['service', 'phase', 'outcome'] as const,
    registers,
  });
  return {
    happened: (event) => events.inc({ event }),
    stepEnded: (service, phase, isDone) => steps.inc({ service, phase, outcome: isDone ? 'done' : 'failed' }),
  };
}
