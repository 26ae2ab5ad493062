import { defineErrors } from '@dotmac/core';

/** What the lifecycle domain may refuse. */
export const lifecycleErrors = defineErrors({
  CUSTOMER_NOT_FOUND: {
    kind: 'not_found',
    message: ({ customerId }: { customerId: string }) => `There is no customer ${customerId}.`,
  },
  CUSTOMER_EXISTS: {
    kind: 'conflict',
    message: ({ field }: { field: 'username' | 'email' }) => `There is a customer with this ${field} already.`,
  },
  ILLEGAL_TRANSITION: {
    kind: 'conflict',
    message: ({
      stage,
      command,
      legal,
      reason,
    }: {
      stage: string;
      command: string;
      legal: string[];
      reason?: string;
    }) =>
      `A customer in stage ${stage} cannot take the command ${command}${reason ? `: ${reason}` : ''}. ` +
      (legal.length === 0 ? 'No command is legal there.' : `Legal there: ${legal.join(', ')}.`),
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
    message: ({ limit }: { limit: number }) => `No more than ${limit} tokens are sent to one address in an hour.`,
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
  INVALID_SERVICE_CONFIG: {
    kind: 'invalid',
    message: ({ serviceName }: { serviceName: string }) =>
      `The configuration does not fit the service "${serviceName}".`,
    hint: 'Every fault is listed in `errors`, by its path.',
  },
  PROVISIONING_NOT_FOUND: {
    kind: 'not_found',
    message: ({ requestId }: { requestId: string }) => `There is no provisioning request ${requestId}.`,
  },
  STEP_TIMED_OUT: {
    kind: 'timeout',
    message: ({ step, timeoutMs }: { step: string; timeoutMs: number }) =>
      `The step ${step} took longer than ${timeoutMs / 1_000} s.`,
  },
  STEP_FAILED: {
    kind: 'internal',
    message: ({ step }: { step: string }) => `The step ${step} failed.`,
    hint: 'The log of the server says why.',
  },
  HOOK_TIMED_OUT: {
    kind: 'timeout',
    message: ({ hook, timeoutMs }: { hook: string; timeoutMs: number }) =>
      `The hook ${hook} took longer than ${timeoutMs / 1_000} s.`,
  },
});
