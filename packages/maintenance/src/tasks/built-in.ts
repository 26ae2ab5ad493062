import { backupManagement } from './backup-management.js';
import { cacheCleanup } from './cache-cleanup.js';
import { databaseCleanup } from './database-cleanup.js';
import { diskCleanup } from './disk-cleanup.js';
import { logRotation } from './log-rotation.js';
import { performanceOptimization } from './performance-optimization.js';
import { securityUpdates } from './security-updates.js';
import { systemMonitoring } from './system-monitoring.js';
import type { AnyMaintenanceTask } from './task.js';

/** The tasks that every module has. */
export const builtInTasks: readonly AnyMaintenanceTask[] = [
  databaseCleanup,
  logRotation,
  cacheCleanup,
  performanceOptimization,
  diskCleanup,
  systemMonitoring,
  backupManagement,
  securityUpdates,
];
