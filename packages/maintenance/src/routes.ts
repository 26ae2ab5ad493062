import { backupRoutes } from './backups/routes.js';
import { planRoutes } from './plans/routes.js';
import { reportRoutes } from './reports/routes.js';
import { runRoutes } from './runs/routes.js';
import { statusRoutes } from './runs/status-routes.js';
import { scheduleRoutes } from './schedule/routes.js';
import { taskRoutes } from './tasks/routes.js';

/** The routes of maintenance. */
export const maintenanceRoutes = [
  ...runRoutes,
  ...planRoutes,
  ...scheduleRoutes,
  ...taskRoutes,
  ...statusRoutes,
  ...backupRoutes,
  ...reportRoutes,
];
