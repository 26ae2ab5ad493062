import { instant } from '@dotmac/core/contract';
import { healthFigures } from '@dotmac/health';
import { lifecycleStatus } from '@dotmac/lifecycle';
import { maintenanceStatus } from '@dotmac/maintenance';
import { z } from 'zod';

/** The three domains of one tenant at a glance. */
export const operationsStatus = z
  .object({
    networkHealth: healthFigures,
    customerLifecycle: lifecycleStatus,
    maintenanceAutomation: maintenanceStatus,
    timestamp: instant,
  })
  .meta({ id: 'OperationsStatus' });

/** @see operationsStatus */
export type OperationsStatus = z.output<typeof operationsStatus>;
