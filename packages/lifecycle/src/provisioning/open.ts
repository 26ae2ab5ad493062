import { scopeIdentity } from '@dotmac/core';
import { readDraft } from '@dotmac/core/contract';
import type { LifecycleContext } from '../context.js';
import { lifecycleErrors } from '../errors.js';
import { readCompletionToken } from './completion-token.js';
import { provisioningService } from './service.js';
import { completionInput, type CompletionDraft } from './signal.js';

/** What anybody may do who was given the token of a step: a technician's portal, the controller of a network. */
export interface OpenProvisioning {
  /**
   * Ends the step that the token names; the first answer counts.
   * @throws COMPLETION_TOKEN_INVALID, RUN_NOT_OPEN, STEP_NOT_DECIDABLE, TEMPLATE_NOT_REGISTERED, INVALID_INPUT
   */
  complete(draft: CompletionDraft): Promise<{ message: string }>;
}

/** Provisioning for anybody. The signed token names the tenant. */
export function openProvisioning(context: LifecycleContext): OpenProvisioning {
  return {
    async complete(draft) {
      const input = readDraft(completionInput, draft);
      const target = readCompletionToken(context, input.token);
      if (!target) throw lifecycleErrors.COMPLETION_TOKEN_INVALID({});
      const identity = scopeIdentity({ tenantId: target.tenantId, actor: 'completion' });
      await provisioningService(context, identity).complete(input);
      return { message: 'Noted.' };
    },
  };
}
