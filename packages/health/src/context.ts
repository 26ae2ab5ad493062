import type { AnyEvent, Clock, Sealer, StoreTransaction } from '@dotmac/core';
import type { Connector } from '@dotmac/core/net';
import type Docker from 'dockerode';
import type { EndpointRules } from './endpoints/check-endpoint.js';
import type { EndpointSchemas } from './endpoints/endpoint.js';
import type { HealthEvents } from './events.js';
import type { Recorder } from './history/recorder.js';
import type { Retention } from './history/resolution.js';
import type { Directory } from './monitoring/directory.js';
import type { Monitor } from './monitoring/monitor.js';
import type { ServiceTarget } from './service-checks/target.js';
import type { HealthStore } from './store/store.js';

/** What the services of all scopes share. */
export interface HealthContext extends EndpointRules {
  store: HealthStore;
  directory: Directory;
  monitor: Monitor;
  recorder: Recorder;
  retention: Retention;
  sealer: Sealer | undefined;
  schemas: EndpointSchemas;
  adHocConnector: Connector | undefined;
  targets: Record<string, ServiceTarget>;
  docker: Docker | undefined;
  clock: Clock;
  maxEndpoints: number;
  /** Does `work` and appends the event, in one transaction. */
  change(event: AnyEvent<HealthEvents>, work: (trx: StoreTransaction) => Promise<unknown>): Promise<void>;
}
