import { newId } from '@dotmac/core';
import type { EndpointRecord } from '../../src/endpoints/endpoint.js';

/** An endpoint as it is kept, with defaults for what a test does not care about. */
export const endpointRecord = (more: Partial<EndpointRecord> = {}): EndpointRecord => ({
  id: newId(),
  tenantId: 'acme',
  name: 'gateway',
  host: '127.0.0.1',
  port: 7,
  serviceType: 'tcp',
  checkInterval: 30,
  timeout: 5,
  retryCount: 3,
  expectedResponseTime: 1,
  recoveryCount: 1,
  recoveryResponseTime: null,
  minErrorTime: 0,
  recheckInterval: 1,
  config: {},
  conditions: [],
  tags: [],
  dependsOn: [],
  registeredBy: 'tenant',
  secrets: {},
  pausedAt: null,
  createdAt: 1_767_225_600_000,
  updatedAt: 1_767_225_600_000,
  ...more,
});
