import { z } from 'zod';
import { checkedServiceType, type CheckedServiceType } from '../service-checks/service-check.js';
import { redisFacts } from '../service-checks/redis.js';
import type { ServiceTarget } from '../service-checks/target.js';
import { defineProbe, Unreachable, type Probe } from './probe.js';

const config = z.strictObject({
  /** The name under which the host application registered the service. */
  target: z
    .string()
    .min(1)
    .max(100)
    .meta({ description: 'The name under which the host application registered the service', examples: ['main'] }),
});

/** @see config */
type TargetSettings = z.output<typeof config>;

const summaries: Record<CheckedServiceType, string> = {
  database: 'Asks a database that the host application has open, through its own pool.',
  redis: 'Asks a Redis that the host application has a client for.',
  container: 'Asks a container engine for the state of a container.',
};

const facts: Record<CheckedServiceType, readonly string[]> = {
  database: ['dialect', 'version', 'acquire_wait_ms', 'pool_size', 'pool_in_use', 'pool_waiting', 'pool_saturation'],
  redis: redisFacts,
  container: [
    'state',
    'health',
    'restarts',
    'uptime_seconds',
    'cpu_percent',
    'memory_bytes',
    'memory_limit_bytes',
    'memory_percent',
  ],
};

/**
 * Probes of the services that the host application named in `createHealth({ targets })`, one for each type: endpoints
 * name one of them and nothing else. Its facts are those of the target.
 *
 * @example
 * await scope.endpoints.register({ name: 'Orders', serviceType: 'database', config: { target: 'main' } });
 */
export function targetProbe(
  targets: Readonly<Record<string, ServiceTarget>>,
): Record<CheckedServiceType, Probe<TargetSettings>> {
  const probeOf = (serviceType: CheckedServiceType): Probe<TargetSettings> =>
    defineProbe({
      serviceType,
      summary: summaries[serviceType],
      addressing: 'none',
      config,
      facts: facts[serviceType],
      async run({ config: { target: name }, signal, clock }) {
        const target = Object.hasOwn(targets, name) ? targets[name] : undefined;
        // Only now, not when it is registered: that may be done by a process that has no targets.
        if (target?.serviceType !== serviceType)
          throw new Unreachable(`The host application has named no ${serviceType} ${JSON.stringify(name)}`, {
            code: 'target_missing',
          });
        const startedAt = clock.monotonic();
        const answer = await target.check(signal);
        const { facts, degraded, code, responseTimeMs = clock.monotonic() - startedAt } = answer;
        return {
          responseTimeMs,
          message: 'It answered as expected',
          facts,
          ...(degraded !== undefined && { degraded }),
          ...(code !== undefined && { code }),
        };
      },
    });
  const { database, redis, container } = checkedServiceType.enum;
  return { database: probeOf(database), redis: probeOf(redis), container: probeOf(container) };
}
