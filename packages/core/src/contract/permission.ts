/**
 * The permissions that routes ask for. A principal holding `*` has them all. `maintenance:operate` is about a process, and so
 * about all of its tenants.
 */
export const permissions = [
  'health:read',
  'health:write',
  'lifecycle:read',
  'lifecycle:write',
  'lifecycle:privacy',
  'maintenance:read',
  'maintenance:execute',
  'maintenance:operate',
  'operations:read',
] as const;

/** @see permissions */
export type Permission = (typeof permissions)[number];
