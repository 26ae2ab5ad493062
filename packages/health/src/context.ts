import type { AnyEvent, Clock, StoreTransaction } from '@dotmac/core';
import type { Connector } from '@dotmac/core/net';
import type Docker from 'dockerode';
import type { HealthEvents } from './events.js';
import type { Recorder } from './history/recorder.js';
import type { Directory } from './monitoring/directory.js';
import type { ServiceTarget } from './service-checks/target.js';
import type { HealthStore } from './store/store.js';

/** What the services of all scopes share. */
export interface HealthContext {
  store: HealthStore;
  directory: Directory;
  recorder: Recorder;
  connector: Connector;
  adHocConnector: Connector | undefined;
  targets: Record<string, ServiceTarget>;
  docker: Docker | undefined;
  clock: Clock;
  maxEndpoints: number;
  checkSoon(endpointId: string): void;
  /** Does `work` and appends the event, in one transaction. */
  change(event: AnyEvent<HealthEvents>, work: (trx: StoreTransaction) => Promise<unknown>): Promise<void>;
}
