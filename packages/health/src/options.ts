import type { Clock, Logger, StreamLimits } from '@dotmac/core';
import type { EgressPolicy } from '@dotmac/core/net';
import type { Registry } from 'prom-client';
import type { AnyChannelKind } from './channels/channel-kind.js';
import type { Resolution } from './history/resolution.js';
import type { KeptDays } from './history/retention.js';
import type { ConnectivityOptions } from './monitoring/connectivity.js';
import type { Limits } from './monitoring/fair-queue.js';
import type { LatenessBounds } from './monitoring/lateness.js';
import type { AnyProbe } from './probes/probe.js';
import type { DockerClient } from './service-checks/container.js';
import type { ServiceTarget } from './service-checks/target.js';
import type { Monitoring } from './sharing/processes.js';
import type { HealthStore } from './store/store.js';

/** How health is set up, and how many may follow its events at once. */
export interface HealthOptions extends StreamLimits {
  /** `kyselyHealthStore(database)`, `memoryHealthStore()`, or one of your own. */
  store: HealthStore;
  /** Where the endpoints and channels that tenants register may lie. Default: public addresses only. */
  egress?: EgressPolicy;
  /**
   * Where the endpoints may lie that the host's own code registers `asHost`, such as the machines of its own network.
   * Default: as `egress`.
   */
  hostEgress?: EgressPolicy;
  /** Services that can be checked by name, on request and as endpoints. */
  targets?: Record<string, ServiceTarget>;
  /** Allows checks by connection string, towards these networks alone. Default: refused. */
  adHocTargets?: { egress: EgressPolicy };
  /** Allows checks of any container on this engine, by `container_id`. Default: refused. */
  docker?: DockerClient;
  /** Probes of the host's own, beside the built-in ones. */
  probes?: readonly AnyProbe[];
  /** Kinds of channels beside webhook and slack: `emailChannel(…)`, and the host's own. */
  channels?: readonly AnyChannelKind[];
  /**
   * What the secrets of endpoints are sealed with, at least 32 characters; several: the first is used, the others are
   * still understood. Default: endpoints cannot have secrets.
   */
  secret?: string | readonly string[];
  /** The bounds of `check_interval`, in seconds. Default 5 to 3,600; at least 1, at most 30 days. */
  checkIntervals?: { min?: number; max?: number };
  /**
   * Check endpoints, when no other process on the store does. Off for tools, tests and processes that are to keep and
   * show them alone: what they are told of endpoints waits for one that monitors. Default true.
   */
  monitoring?: boolean;
  /** What this process is called where it is told who monitors, tenants' explanations included. Default: a new id. */
  instance?: string;
  /**
   * How long others wait for the process that monitors when it dies or does not answer, in ms; one that stops leaves at
   * once. Default 15,000; less than 2,000 counts as that.
   */
  leaseTtlMs?: number;
  /** Told when this process begins or ceases to monitor. It must not throw. */
  onMonitoring?: (monitoring: Monitoring) => void;
  /**
   * What this process can reach as long as it has a network itself: while it reaches none of them, what fails is
   * `unknown` and not `offline`. Default: not looked at.
   */
  connectivity?: ConnectivityOptions;
  /** Checks at once: in all (default 100), of one tenant (50), and towards one host (8). */
  concurrency?: Partial<Limits>;
  /** When this process says of itself that it is behind, and when it is not ready for that. Default 60 s, and never. */
  lateness?: Partial<LatenessBounds>;
  /** Endpoints a tenant may have. Default 10,000. */
  maxEndpoints?: number;
  /** Results kept one by one of each endpoint: the last, and the last that were not healthy. Default 100 and 20. */
  keptResults?: { recent?: number; issues?: number };
  /** How long sums are kept, in days. Default: minutes 3, hours 35, days 401, one more than can be asked for. */
  retentionDays?: Partial<Record<Resolution, number>>;
  /** How long resolved incidents are kept, in days, and messages that were given up. Default 401 and 90. */
  keptDays?: Partial<KeptDays>;
  /** Results and sums kept in memory while the store is out of reach. Default 200,000 of each. */
  maxPending?: number;
  /** What time goes by. Default the system's; for tests, a `fakeClock()`. */
  clock?: Clock;
  /** A pino instance fits as it is. Default silence. */
  logger?: Logger;
  /** The host's prom-client registry. Default: nothing is measured. */
  metrics?: Registry;
  /** Gauges for every endpoint too, labelled by tenant, id and name: three series each. Default false. */
  endpointMetrics?: boolean;
  /** Apply migrations at start. Default true. */
  migrate?: boolean;
}
