import { routeFor } from '@dotmac/core/contract';
import { maintenanceErrors } from '../errors.js';
import type { MaintenanceScope } from '../scope.js';
import { backupPage, backupsQuery } from './schemas.js';

const route = routeFor<MaintenanceScope>();

/** Backups, read. Taking one is a run of `backup_management`; restoring one is the host's own affair, in code. */
export const backupRoutes = [
  route({
    name: 'listBackups',
    method: 'GET',
    path: '/infrastructure-maintenance/backups',
    tag: 'Infrastructure maintenance',
    summary: 'The backups, newest first, with the reasons that keep them',
    permission: 'maintenance:read',
    query: backupsQuery,
    output: backupPage,
    errors: [maintenanceErrors.ROOT_NOT_SAFE],
    run: ({ backups }, { query }) => backups.list(query),
  }),
];
