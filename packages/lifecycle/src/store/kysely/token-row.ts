import { numberOrNull } from '@dotmac/core/kysely';
import type { Channel } from '../../verification/channel.js';
import type { StoredToken } from '../store.js';
import type { TokenRow } from './tables.js';

/** A token as a row. */
export function tokenRow(tenantId: string, token: StoredToken): TokenRow {
  return {
    tenant_id: tenantId,
    customer_id: token.customerId,
    channel: token.channel,
    id: token.id,
    key_id: token.keyId,
    hash: token.hash,
    attempts: token.attempts,
    attempt_mark: token.attemptMark,
    issued_at: token.issuedAt,
    expires_at: token.expiresAt,
    consumed_at: token.consumedAt,
    issued: token.issued,
    window_started_at: token.windowStartedAt,
  };
}

/** A row as a token. */
export function tokenOf(row: TokenRow): StoredToken {
  return {
    customerId: row.customer_id,
    channel: row.channel as Channel,
    id: row.id,
    keyId: row.key_id,
    hash: row.hash,
    attempts: Number(row.attempts),
    attemptMark: row.attempt_mark,
    issuedAt: Number(row.issued_at),
    expiresAt: Number(row.expires_at),
    consumedAt: numberOrNull(row.consumed_at),
    issued: Number(row.issued),
    windowStartedAt: Number(row.window_started_at),
  };
}
