import { isOperationError, scopeIdentity, type ErrorKind } from '@dotmac/core';
import type { LifecycleContext } from '../context.js';
import { readLink } from './link.js';
import { verificationService } from './service.js';

/** What anybody may do who has a link of verification. */
export interface OpenVerification {
  /** The page that asks. It is the same for every link, and looks nothing up: mail scanners open links too. */
  page(): string;
  /** Consumes the token of a link; the page that says what came of it, not why. */
  confirm(link: string): Promise<string>;
}

const refusals: readonly ErrorKind[] = ['not_found', 'conflict', 'invalid', 'limited', 'forbidden', 'gone'];

/** Verification for anybody. */
export function openVerification(context: LifecycleContext): OpenVerification {
  const { verificationPage } = context;
  return {
    page: () => verificationPage('ask'),
    async confirm(link) {
      const named = readLink(link);
      if (!named) return verificationPage('failed');
      const { tenantId, customerId, token } = named;
      try {
        const identity = scopeIdentity({ tenantId, actor: `customer:${customerId}`.slice(0, 200) });
        const draft = { verificationToken: token, verificationType: 'email' } as const;
        await verificationService(context, identity).verify(customerId, draft);
        return verificationPage('done');
      } catch (error) {
        if (!isOperationError(error) || !refusals.includes(error.kind)) throw error;
        return verificationPage('failed');
      }
    },
  };
}
