import { endpointRoutes } from './endpoints/routes.js';
import { historyRoutes } from './history/routes.js';
import { serviceCheckRoutes } from './service-checks/routes.js';
import { summaryRoutes } from './summary/routes.js';

/** Every route of the health domain. */
export const healthRoutes = [...endpointRoutes, ...summaryRoutes, ...historyRoutes, ...serviceCheckRoutes];
