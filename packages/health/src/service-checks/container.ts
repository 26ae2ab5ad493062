import { ConnectFailure, connectFailureOf } from '@dotmac/core/net';
import type Docker from 'dockerode';
import { WrongAnswer } from '../probes/probe.js';
import type { ServiceFacts } from './service-check.js';
import type { ServiceTarget } from './target.js';

/**
 * A container on an engine that the host has a dockerode client for: its state, health, CPU and memory.
 *
 * @example
 * createHealth({ store, targets: { web: containerTarget(new Docker(), 'web-1') } });
 */
export function containerTarget(docker: Docker, containerId: string): ServiceTarget {
  return {
    serviceType: 'container',
    async check(signal) {
      const container = docker.getContainer(containerId);
      const started = performance.now();
      try {
        const { State: state, RestartCount: restarts } = await container.inspect({ abortSignal: signal });
        const responseTimeMs = performance.now() - started;
        const health = state.Health?.Status ?? 'none';
        const facts = { state: state.Status, health, restarts };
        if (!state.Running || state.Restarting) throw new WrongAnswer(`The container is ${state.Status}`, null);
        if (health === 'unhealthy') throw new WrongAnswer('The container’s own health check fails', null);
        // The engine measures for a second or two before it answers this.
        const usage = usageOf(await container.stats({ stream: false }));
        const degraded = health === 'starting' || state.Paused;
        return {
          facts: { ...facts, ...usage },
          responseTimeMs,
          ...(degraded && { degraded: `The container is ${state.Paused ? 'paused' : 'starting'}` }),
        };
      } catch (error) {
        throw meaningOf(error);
      }
    },
  };
}

function meaningOf(error: unknown): Error {
  if (error instanceof WrongAnswer) return error;
  const { statusCode } = error as { statusCode?: number };
  if (statusCode === 404) return new ConnectFailure('name_not_found');
  if (statusCode !== undefined) return new WrongAnswer('The container engine answered with an error', null);
  const failure = connectFailureOf(error);
  // The engine's socket is missing: there is no engine to answer.
  return failure.code === 'failed' ? new ConnectFailure('refused') : failure;
}

/** Percentages as `docker stats` computes them (https://docs.docker.com/reference/api/engine, GET /containers/{id}/stats). */
function usageOf(stats: Docker.ContainerStats): ServiceFacts {
  const cpu = stats.cpu_stats.cpu_usage.total_usage - (stats.precpu_stats.cpu_usage?.total_usage ?? 0);
  const system = stats.cpu_stats.system_cpu_usage - (stats.precpu_stats.system_cpu_usage ?? 0);
  const cores = stats.cpu_stats.online_cpus || 1;
  const { usage = 0, limit = 0, stats: details } = stats.memory_stats;
  const used = usage - (details?.inactive_file ?? details?.total_inactive_file ?? 0);
  const percent = (part: number, whole: number): number => (whole > 0 ? Math.round((10_000 * part) / whole) / 100 : 0);
  return {
    cpu_percent: system > 0 ? percent(cpu * cores, system) : 0,
    memory_bytes: used,
    memory_limit_bytes: limit,
    memory_percent: percent(used, limit),
  };
}
