import { newId } from '@dotmac/core';
import type { EndpointRecord } from '../endpoints/endpoint.js';

/** An endpoint of a tenant, as it is kept. */
export const endpointOf = (tenantId: string, more: Partial<EndpointRecord> = {}): EndpointRecord => ({
  id: newId(),
  tenantId,
  name: 'gateway',
  host: 'gw.example.com',
  port: 443,
  serviceType: 'https',
  checkInterval: 30,
  timeout: 5,
  retryCount: 3,
  expectedResponseTime: 0.5,
  recoveryCount: 2,
  recoveryResponseTime: 0.4,
  minErrorTime: 15,
  recheckInterval: 2,
  config: { path: '/ready', headers: { 'X-Ask': 'ü' } },
  conditions: [{ on: 'status', op: 'in', value: [200, 204], severity: 'critical' }],
  tags: [],
  dependsOn: [],
  registeredBy: 'tenant',
  secrets: { token: 'sealed' },
  pausedAt: null,
  createdAt: 1_767_225_600_000,
  updatedAt: 1_767_225_600_000,
  ...more,
});
