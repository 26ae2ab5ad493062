import { createHash, randomBytes } from 'node:crypto';

/** What a job's token leads to. Only its hash is kept to look it up by; the token itself is sealed. */
export interface HeartbeatToken {
  /** {@link hashOf} the token. */
  id: string;
  tenantId: string;
  endpointId: string;
}

/** A token that nobody can guess: 192 bits in 32 characters, which every router takes in a path. */
export function newToken(): string {
  return randomBytes(24).toString('base64url');
}

/** What a token is looked up by. */
export function hashOf(token: string): string {
  return createHash('sha256').update(token).digest('hex').slice(0, 32);
}

/** What a token is sealed for. */
export function tokenBinding(tenantId: string, endpointId: string): string[] {
  return ['heartbeat', tenantId, endpointId];
}
