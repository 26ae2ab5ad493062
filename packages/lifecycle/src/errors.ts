import { defineErrors } from '@dotmac/core';
import type { IllegalTransition, RemainingService } from './error-details.js';

const remaining = ({ serviceName, serviceId, status, isKept }: RemainingService): string =>
  `${serviceName} ${serviceId} (${status}${isKept ? ', and kept: taking it down was cancelled' : ''})`;

/** What the lifecycle domain may refuse. */
export const lifecycleErrors = defineErrors({
  CUSTOMER_NOT_FOUND: {
    kind: 'not_found',
    message: ({ customerId }: { customerId: string }) => `There is no customer ${customerId}.`,
  },
  CUSTOMER_EXISTS: {
    kind: 'conflict',
    message: ({ field }: { field: 'username' | 'email' | 'external_id' }) =>
      `There is a customer with this ${field} already.`,
  },
  ILLEGAL_TRANSITION: {
    kind: 'conflict',
    message: ({ stage, command, legal, possible, reason }: IllegalTransition) =>
      `A customer in stage ${stage} cannot take the command ${command}${reason ? `: ${reason}` : ''}. ` +
      `Legal in this stage: ${legal.join(', ') || 'none'}. Possible for this customer now: ${possible.join(', ') || 'none'}.`,
  },
  CONCURRENT_CHANGE: {
    kind: 'conflict',
    message: ({ customerId }: { customerId: string }) =>
      `Customer ${customerId} was changed by somebody else meanwhile.`,
    hint: 'Read the customer again, then decide whether the command still makes sense.',
  },
  VERIFICATION_FAILED: {
    kind: 'invalid',
    message: (_: Record<never, never>) => 'The verification token is not valid, or not any more.',
    hint: 'Ask for a new one with POST /customer-lifecycle/customers/{id}/verification.',
  },
  VERIFICATION_LOCKED: {
    kind: 'limited',
    message: (_: Record<never, never>) => 'Too many wrong tokens were tried: this one is locked.',
    hint: 'Ask for a new one with POST /customer-lifecycle/customers/{id}/verification.',
  },
  VERIFICATION_RESEND_LIMITED: {
    kind: 'limited',
    message: ({ limit, window = 'an hour' }: { limit: number; window?: string }) =>
      `No more than ${limit} tokens are sent to one address in ${window}.`,
  },
  CHANNEL_MISSING: {
    kind: 'conflict',
    message: ({ channel }: { channel: string }) => `This customer has no ${channel} to verify.`,
  },
  SERVICE_TEMPLATE_NOT_FOUND: {
    kind: 'invalid',
    message: ({ serviceName }: { serviceName: string }) => `There is no service named "${serviceName}".`,
    hint: 'Services are defined in the host application’s code.',
  },
  TEMPLATE_NOT_REGISTERED: {
    kind: 'unavailable',
    message: ({ serviceName, templateVersion }: { serviceName: string; templateVersion: string }) =>
      `This process does not have the template of this service: "${serviceName}", version ${templateVersion}, with the steps that it began with.`,
    hint: 'Try again: during a rolling release another process may have it. If none does, register it again.',
  },
  INVALID_SERVICE_CONFIG: {
    kind: 'invalid',
    message: ({ serviceName }: { serviceName: string }) =>
      `The configuration does not fit the service "${serviceName}".`,
    hint: 'Every fault is listed in `errors` (in code: `issues`), by its path.',
  },
  PROVISIONING_NOT_FOUND: {
    kind: 'not_found',
    message: ({ requestId }: { requestId: string }) => `There is no provisioning request ${requestId}.`,
  },
  SERVICE_NOT_FOUND: {
    kind: 'not_found',
    message: ({ serviceId }: { serviceId: string }) => `There is no service ${serviceId}.`,
  },
  OPERATION_NOT_FOUND: {
    kind: 'conflict',
    message: ({ serviceId, hook }: { serviceId: string; hook: string }) =>
      `Nothing that the hook ${hook} is told of was done to the service ${serviceId} lately.`,
    hint: 'GET /customer-lifecycle/services/{id}/runs lists what was done to it.',
  },
  SERVICE_BUSY: {
    kind: 'conflict',
    message: ({ serviceId, reason }: { serviceId: string; reason: string }) =>
      `The service ${serviceId} cannot take this now: ${reason}.`,
    hint: '`open_run_id` of the service names the run that is under way, if there is one: wait for it, or cancel it.',
  },
  SERVICE_LIMIT: {
    kind: 'conflict',
    message: ({ limit }: { limit: number }) => `A customer has ${limit} services at the most.`,
  },
  PLAN_CHANGE_UNSUPPORTED: {
    kind: 'conflict',
    message: ({ serviceName, left = [] }: { serviceName: string; left?: readonly string[] }) =>
      left.length === 0
        ? `Nothing says how to change to the service "${serviceName}".`
        : `Nothing says how to take down later what was set up before the change to "${serviceName}": ${left.join(', ')}.`,
    hint: 'Add the steps `operations.change_plan` to its template, and `operations.deprovision` if more must be undone than its own steps did.',
  },
  DUNNING_POLICY_NOT_FOUND: {
    kind: 'invalid',
    message: ({ policy }: { policy: string }) => `There is no dunning policy "${policy}".`,
    hint: 'Policies are defined in the host application’s code: `dunning` of `createLifecycle`.',
  },
  INVOICE_LIMIT: {
    kind: 'conflict',
    message: ({ limit }: { limit: number }) => `A customer has ${limit} overdue invoices at the most.`,
  },
  LEGAL_HOLD: {
    kind: 'conflict',
    message: ({ holds }: { holds: string[] }) => `What is held on this customer must be kept: ${holds.join(', ')}.`,
    hint: 'Lift the holds first: DELETE /customer-lifecycle/customers/{id}/legal-holds/{name}.',
  },
  HOLD_LIMIT: {
    kind: 'conflict',
    message: ({ limit }: { limit: number }) => `A customer has ${limit} legal holds at the most.`,
  },
  SERVICES_REMAIN: {
    kind: 'conflict',
    message: ({ services }: { services: RemainingService[] }) =>
      `The customer still has services: ${services.map(remaining).join(', ')}.`,
    hint: 'Wait until they are taken down. Retry, skip or force the runs that are stuck. Terminate those that are kept.',
  },
  CUSTOMER_ERASED: {
    kind: 'conflict',
    message: ({ customerId }: { customerId: string }) => `Customer ${customerId} was erased.`,
  },
  WEBHOOK_NOT_FOUND: {
    kind: 'not_found',
    message: ({ webhookId }: { webhookId: string }) => `There is no webhook ${webhookId}.`,
  },
  WEBHOOK_DELIVERY_NOT_FOUND: {
    kind: 'not_found',
    message: ({ deliveryId }: { deliveryId: string }) => `There is no delivery ${deliveryId}.`,
  },
  WEBHOOK_LIMIT: {
    kind: 'conflict',
    message: ({ limit }: { limit: number }) => `A tenant has ${limit} webhooks at the most.`,
  },
  WEBHOOKS_OFF: {
    kind: 'conflict',
    message: (_: Record<never, never>) => 'The host application has not switched webhooks on.',
    hint: 'Set `webhooks` in `createLifecycle`.',
  },
  WEBHOOK_FAILED: {
    kind: 'unavailable',
    message: ({ code }: { code: string }) => `The message was not delivered: ${code}.`,
    hint: 'Check the address, and that the receiver accepts messages.',
  },
  BULK_NOT_FOUND: {
    kind: 'not_found',
    message: ({ operationId }: { operationId: string }) => `There is no bulk operation ${operationId}.`,
  },
  BULK_LIMIT: {
    kind: 'conflict',
    message: ({ limit }: { limit: number }) => `A tenant has ${limit} bulk operations at the most that are not over.`,
  },
  BULK_NOT_COLLECTING: {
    kind: 'conflict',
    message: ({ operationId, status }: { operationId: string; status: string }) =>
      `No customers can be listed for the bulk operation ${operationId}: it is ${status}.`,
    hint: 'Start one with the filter `{"listed":true}`.',
  },
  BULK_NOT_RUNNABLE: {
    kind: 'conflict',
    message: ({ operationId, status }: { operationId: string; status: string }) =>
      `The bulk operation ${operationId} is ${status}, and no dry run that is over.`,
  },
  TIMER_LIMIT: {
    kind: 'conflict',
    message: ({ limit }: { limit: number }) => `A customer has ${limit} timers at the most.`,
  },
  RUN_NOT_OPEN: {
    kind: 'conflict',
    message: ({ requestId, status, wanted }: { requestId: string; status: string; wanted: string }) =>
      `The run ${requestId} is ${status}; this takes one that is ${wanted}.`,
  },
  STEP_NOT_DECIDABLE: {
    kind: 'conflict',
    message: ({ step }: { step: string }) => `The step ${step} is not one that waits for this, or it is over.`,
  },
  DECISION_MADE: {
    kind: 'conflict',
    message: ({ step, by }: { step: string; by: string }) => `${by} decided on the step ${step} already.`,
  },
  COMPLETION_TOKEN_INVALID: {
    kind: 'invalid',
    message: (_: Record<never, never>) => 'This completion token is not valid, or not any more.',
  },
  STEP_REJECTED: {
    kind: 'conflict',
    message: ({ step, by, comment }: { step: string; by: string; comment: string | null }) =>
      `${by} rejected the step ${step}${comment ? `: ${comment}` : '.'}`,
  },
  APPROVAL_EXPIRED: {
    kind: 'timeout',
    message: ({ step }: { step: string }) => `Nobody approved the step ${step} in time.`,
  },
  COMPLETION_EXPIRED: {
    kind: 'timeout',
    message: ({ step }: { step: string }) => `Nobody completed the step ${step} in time.`,
  },
  STEP_TIMED_OUT: {
    kind: 'timeout',
    message: ({ step, timeoutMs }: { step: string; timeoutMs: number }) =>
      `The step ${step} took longer than ${timeoutMs / 1_000} s.`,
  },
  STEP_NOT_DEFINED: {
    kind: 'internal',
    message: ({ step }: { step: string }) =>
      `The template does not say any more what the step ${step} does. Give it its \`compensate\` back and retry, or skip it.`,
  },
  STEP_NOT_UNDOABLE: {
    kind: 'internal',
    message: ({ step }: { step: string }) =>
      `Nothing undoes the step ${step}. Put back by hand what it may have taken, and skip it; or force how the run ends.`,
  },
  STEP_FAILED: {
    kind: 'internal',
    message: ({ step }: { step: string }) => `The step ${step} failed.`,
    hint: 'The log of the server says why.',
  },
  DELIVERY_NOT_FOUND: {
    kind: 'not_found',
    message: ({ deliveryId }: { deliveryId: string }) => `There is no parked delivery ${deliveryId}.`,
  },
  HOOK_NOT_FOUND: {
    kind: 'conflict',
    message: ({ hook }: { hook: string }) => `The host has no afterCommit hook for ${hook}.`,
    hint: 'Hooks are written in the host application’s code.',
  },
  HOOK_FAILED: {
    kind: 'internal',
    message: ({ hook }: { hook: string }) => `The hook ${hook} failed.`,
    hint: 'The log of the server says why. A hook that means to refuse throws an OperationError.',
  },
  HOOK_TIMED_OUT: {
    kind: 'timeout',
    message: ({ hook, timeoutMs }: { hook: string; timeoutMs: number }) =>
      `The hook ${hook} took longer than ${timeoutMs / 1_000} s.`,
  },
});

/** What every command may answer that hooks of the host's take part in. */
export const hookErrors = [lifecycleErrors.HOOK_FAILED, lifecycleErrors.HOOK_TIMED_OUT] as const;
