import { alertRoutes } from './alerts/routes.js';
import { channelRoutes } from './channels/routes.js';
import { endpointSchemas, defaultBounds, type EndpointSchemas } from './endpoints/endpoint.js';
import { endpointRoutes } from './endpoints/routes.js';
import { heartbeatRoutes } from './heartbeats/routes.js';
import { explanationRoutes } from './explanation/routes.js';
import { historyRoutes } from './history/routes.js';
import { importerRoutes } from './importers/routes.js';
import { incidentRoutes } from './incidents/routes.js';
import { objectiveRoutes } from './objectives/routes.js';
import { probeRoutes } from './probes/routes.js';
import { serviceCheckRoutes } from './service-checks/routes.js';
import { statusFeedRoutes } from './status-feeds/routes.js';
import { streamRoutes } from './stream/routes.js';
import { simulationRoutes } from './simulation/routes.js';
import { summaryRoutes } from './summary/routes.js';
import { windowRoutes } from './windows/routes.js';

/** The routes of the health domain, for endpoints as these schemas have them. */
export const routesFor = (schemas: EndpointSchemas) => [
  ...endpointRoutes(schemas),
  ...importerRoutes,
  ...summaryRoutes,
  ...historyRoutes,
  ...incidentRoutes,
  ...alertRoutes,
  ...channelRoutes,
  ...windowRoutes,
  ...streamRoutes,
  ...heartbeatRoutes,
  ...objectiveRoutes,
  ...statusFeedRoutes,
  ...explanationRoutes,
  ...simulationRoutes,
  ...probeRoutes,
  ...serviceCheckRoutes,
];

/** Every route of the health domain, for endpoints within the default bounds. */
export const healthRoutes = routesFor(endpointSchemas(defaultBounds));
