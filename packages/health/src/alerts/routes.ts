import { id, idPageQuery, message, page, parkedPageQuery, routeFor } from '@dotmac/core/contract';
import { z } from 'zod';
import { healthErrors } from '../errors.js';
import type { HealthScope } from '../scope.js';
import { alertRule, alertRuleChanges, alertRuleInput } from './rule.js';
import { undeliveredMessage } from './undelivered.js';

const route = routeFor<HealthScope>();
const tag = 'Network monitoring';
const params = z.object({ id });
const { ALERT_RULE_NOT_FOUND, ALERT_RULE_LIMIT_REACHED, UNDELIVERED_NOT_FOUND } = healthErrors;

/** Alert rules: which incidents go to which channels; and what could not be delivered. */
export const alertRoutes = [
  route({
    name: 'createAlertRule',
    method: 'POST',
    path: '/network-monitoring/alert-rules',
    tag,
    summary: 'Say which incidents go to which channels',
    permission: 'health:write',
    body: alertRuleInput,
    output: alertRule,
    status: 201,
    location: ({ id: ruleId }) => `/network-monitoring/alert-rules/${ruleId}`,
    idempotent: true,
    errors: [ALERT_RULE_LIMIT_REACHED],
    run: (health, { body }) => health.alerts.create(body),
  }),
  route({
    name: 'listAlertRules',
    method: 'GET',
    path: '/network-monitoring/alert-rules',
    tag,
    summary: 'List alert rules',
    permission: 'health:read',
    query: idPageQuery,
    output: page(alertRule).meta({ id: 'AlertRulePage' }),
    run: (health, { query }) => health.alerts.list(query),
  }),
  route({
    name: 'getAlertRule',
    method: 'GET',
    path: '/network-monitoring/alert-rules/{id}',
    tag,
    summary: 'Get an alert rule',
    permission: 'health:read',
    params,
    output: alertRule,
    errors: [ALERT_RULE_NOT_FOUND],
    run: (health, { params: { id: ruleId } }) => health.alerts.get(ruleId),
  }),
  route({
    name: 'updateAlertRule',
    method: 'PATCH',
    path: '/network-monitoring/alert-rules/{id}',
    tag,
    summary: 'Change an alert rule',
    permission: 'health:write',
    params,
    body: alertRuleChanges,
    output: alertRule,
    errors: [ALERT_RULE_NOT_FOUND],
    run: (health, { params: { id: ruleId }, body }) => health.alerts.update(ruleId, body),
  }),
  route({
    name: 'removeAlertRule',
    method: 'DELETE',
    path: '/network-monitoring/alert-rules/{id}',
    tag,
    summary: 'Remove an alert rule',
    permission: 'health:write',
    params,
    output: message,
    errors: [ALERT_RULE_NOT_FOUND],
    run: (health, { params: { id: ruleId } }) => health.alerts.remove(ruleId),
  }),
  route({
    name: 'listUndeliveredMessages',
    method: 'GET',
    path: '/network-monitoring/undelivered-messages',
    tag,
    summary: 'List the messages that were given up',
    permission: 'health:read',
    query: parkedPageQuery,
    output: page(undeliveredMessage).meta({ id: 'UndeliveredMessagePage' }),
    run: (health, { query }) => health.alerts.undelivered(query),
  }),
  route({
    name: 'retryUndeliveredMessage',
    method: 'POST',
    path: '/network-monitoring/undelivered-messages/{id}/retry',
    tag,
    summary: 'Try a message that was given up again',
    permission: 'health:write',
    params,
    output: message,
    errors: [UNDELIVERED_NOT_FOUND],
    run: (health, { params: { id: deliveryId } }) => health.alerts.retry(deliveryId),
  }),
  route({
    name: 'discardUndeliveredMessage',
    method: 'DELETE',
    path: '/network-monitoring/undelivered-messages/{id}',
    tag,
    summary: 'Remove a message that was given up',
    permission: 'health:write',
    params,
    output: message,
    errors: [UNDELIVERED_NOT_FOUND],
    run: (health, { params: { id: deliveryId } }) => health.alerts.discard(deliveryId),
  }),
];
