import { coreErrors } from './errors/core-errors.js';

/** On whose behalf something is done. The tenant bounds everything that can be seen or changed. */
export interface ScopeInit {
  /** 1 to 128 letters, digits, `.`, `_`, `:` or `-`. */
  tenantId: string;
  /** Who acts, e.g. `user:42` or `system`; kept with every event. Default `system`. */
  actor?: string;
}

/** A checked {@link ScopeInit}. */
export type ScopeIdentity = Required<ScopeInit>;

// Binary-safe on every database's collation: no spaces (PAD SPACE), no case folding needed to tell two apart.
const tenantPattern = /^[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$/;

/**
 * Checks a scope's identity.
 * @throws INVALID_ARGUMENT when the tenant id is not 1 to 128 letters, digits, `.`, `_`, `:` or `-`, or the actor is empty or over 200 characters.
 */
export function scopeIdentity({ tenantId, actor = 'system' }: ScopeInit): ScopeIdentity {
  if (!tenantPattern.test(tenantId))
    throw coreErrors.INVALID_ARGUMENT({
      argument: 'tenantId',
      reason: 'a tenant id is 1 to 128 letters, digits, ".", "_", ":" or "-", and starts with a letter or digit',
    });
  if (actor.length === 0 || actor.length > 200)
    throw coreErrors.INVALID_ARGUMENT({ argument: 'actor', reason: 'an actor is 1 to 200 characters' });
  return { tenantId, actor };
}
