import { systemClock } from '@dotmac/core';
import { ConnectFailure, connectFailureOf } from '@dotmac/core/net';
import { Unreachable, WrongAnswer } from '../probes/probe.js';
import type { ServiceFacts } from './service-check.js';
import type { ServiceTarget } from './target.js';

/** The part of a dockerode client that is used. */
export interface DockerClient {
  getContainer(id: string): DockerContainer;
}

/** The part of a container of dockerode's that is used. */
export interface DockerContainer {
  inspect(options: { abortSignal: AbortSignal }): Promise<{ State: ContainerState; RestartCount: number }>;
  stats(options: { stream: false; 'one-shot': true }): Promise<ContainerStats>;
}

interface ContainerState {
  Status: string;
  Running: boolean;
  Restarting: boolean;
  Paused: boolean;
  StartedAt: string;
  Health?: { Status: string } | undefined;
}

interface ContainerStats {
  cpu_stats: { cpu_usage: { total_usage: number }; system_cpu_usage: number; online_cpus: number };
  memory_stats: {
    usage?: number;
    limit?: number;
    stats?: { inactive_file?: number; total_inactive_file?: number };
  };
}

const apartMs = 200;
type Readings = Record<'before' | 'now', ContainerStats>;

/**
 * A container on an engine that the host has a dockerode client for: its state, health, CPU and memory.
 *
 * @example
 * createHealth({ store, targets: { web: containerTarget(new Docker(), 'web-1') } });
 */
export function containerTarget(docker: DockerClient, containerId: string): ServiceTarget {
  return {
    serviceType: 'container',
    async check(signal) {
      const container = docker.getContainer(containerId);
      const started = performance.now();
      try {
        const { State: state, RestartCount: restarts } = await container.inspect({ abortSignal: signal });
        const responseTimeMs = performance.now() - started;
        const health = state.Health?.Status ?? 'none';
        const upMs = systemClock.now() - Date.parse(state.StartedAt);
        const uptime = upMs >= 0 && { uptime_seconds: Math.round(upMs / 1_000) };
        const facts = { state: state.Status, health, restarts, ...uptime };
        if (!state.Running || state.Restarting)
          throw new WrongAnswer(`The container is ${state.Status}`, { code: 'container_stopped' });
        if (health === 'unhealthy')
          throw new WrongAnswer('The container’s own health check fails', { code: 'container_unhealthy' });
        const usage = usageOf(await readings(container, signal));
        const is = state.Paused ? 'paused' : 'starting';
        const isWorry = health === 'starting' || state.Paused;
        return {
          facts: { ...facts, ...usage },
          responseTimeMs,
          ...(isWorry && { degraded: `The container is ${is}`, code: `container_${is}` }),
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
  if (statusCode === 404) return new Unreachable('There is no such container', { code: 'container_missing' });
  if (statusCode !== undefined)
    return new WrongAnswer('The container engine answered with an error', { code: 'service_refused' });
  const failure = connectFailureOf(error);
  // The engine's socket is missing: there is no engine to answer.
  return failure.code === 'failed' ? new ConnectFailure('refused') : failure;
}

/** The engine's counters, a moment apart. Asked for both at once it takes a second or two. */
async function readings(container: DockerContainer, signal: AbortSignal): Promise<Readings> {
  const read = () => container.stats({ stream: false, 'one-shot': true });
  const before = await read();
  await systemClock.sleep(apartMs, signal);
  return { before, now: await read() };
}

/** Percentages as `docker stats` computes them (https://docs.docker.com/reference/api/engine, GET /containers/{id}/stats). */
function usageOf({ before, now }: Readings): ServiceFacts {
  const cpu = now.cpu_stats.cpu_usage.total_usage - before.cpu_stats.cpu_usage.total_usage;
  const system = now.cpu_stats.system_cpu_usage - before.cpu_stats.system_cpu_usage;
  const cores = now.cpu_stats.online_cpus || 1;
  const { usage = 0, limit = 0, stats: details } = now.memory_stats;
  const used = usage - (details?.inactive_file ?? details?.total_inactive_file ?? 0);
  const percent = (part: number, whole: number): number => (whole > 0 ? Math.round((10_000 * part) / whole) / 100 : 0);
  return {
    cpu_percent: system > 0 ? percent(cpu * cores, system) : 0,
    memory_bytes: used,
    memory_limit_bytes: limit,
    memory_percent: percent(used, limit),
  };
}
