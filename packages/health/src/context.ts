import type { AnyEvent, Clock, Emitter, Sealer, StoreTransaction, Streams } from '@dotmac/core';
import type { Connector } from '@dotmac/core/net';
import type { DeliverThrough } from './channels/deliver-through.js';
import type { ChannelRegistry } from './channels/registry.js';
import type { EndpointRules } from './endpoints/check-endpoint.js';
import type { Places } from './endpoints/places.js';
import type { InTurn } from './endpoints/turns.js';
import type { EndpointBounds, EndpointSchemas } from './endpoints/endpoint.js';
import type { HealthEvents } from './events.js';
import type { Recorder } from './history/recorder.js';
import type { Retention } from './history/resolution.js';
import type { Ring } from './history/result.js';
import type { Watch } from './heartbeats/watch.js';
import type { ShownTwice } from './objectives/shown-twice.js';
import type { ClockSteps } from './monitoring/clock-steps.js';
import type { Directory } from './monitoring/directory.js';
import type { Monitor } from './monitoring/monitor.js';
import type { DockerClient } from './service-checks/container.js';
import type { ServiceTarget } from './service-checks/target.js';
import type { Monitoring } from './sharing/processes.js';
import type { StatusBoard } from './status-feeds/board.js';
import type { EndpointChange } from './store/sharing.js';
import type { HealthStore } from './store/store.js';
import type { SeenEvent } from './stream/event-tail.js';
import type { Calendar } from './windows/calendar.js';

/** What the services of all scopes share. */
export interface HealthContext extends EndpointRules {
  store: HealthStore;
  directory: Directory;
  /** What happens in whatever process on the store, from this one's start to its end. */
  followed: Emitter<HealthEvents>;
  monitor: Monitor;
  recorder: Recorder;
  retention: Retention;
  /** How many results of each endpoint are kept one by one. */
  keptResults: Readonly<Record<Ring, number>>;
  sealer: Sealer | undefined;
  schemas: EndpointSchemas;
  checkIntervals: EndpointBounds['checkIntervals'];
  adHocConnector: Connector | undefined;
  targets: Record<string, ServiceTarget>;
  docker: DockerClient | undefined;
  clock: Clock;
  steps: Pick<ClockSteps, 'shown' | 'latest'>;
  shownTwice: ShownTwice;
  maxEndpoints: number;
  places: Places;
  /** Changes of an endpoint, one after another. */
  inTurn: InTurn;
  calendar: Calendar;
  statusBoard: StatusBoard;
  /** What jobs are measured by. */
  watch: Pick<Watch, 'read'>;
  /** Who monitors, as this process knows. */
  monitoring(): Monitoring;
  streams: Streams<SeenEvent>;
  channels: ChannelRegistry;
  through: DeliverThrough;
  /** Has other processes look at endpoints anew. */
  tellOthers(changes: Pick<EndpointChange, 'tenantId' | 'endpointId'>[], trx: StoreTransaction): Promise<void>;
  /** Does `work` and appends the events, in one transaction; those too that the work finds to `tell`. */
  change<Result>(
    events: readonly AnyEvent<HealthEvents>[],
    work: (trx: StoreTransaction, tell: (event: AnyEvent<HealthEvents>) => void) => Promise<Result>,
  ): Promise<Result>;
}
