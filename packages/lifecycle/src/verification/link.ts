import { id } from '@dotmac/core/contract';

/** What a link of verification names: whose token it is, and the token. */
export interface VerificationLink {
  tenantId: string;
  customerId: string;
  token: string;
}

/** Where a link leads, below the place where the API is mounted. */
export function linkPath({ tenantId, customerId, token }: VerificationLink): string {
  const link = Buffer.from(JSON.stringify([tenantId, customerId, token])).toString('base64url');
  // Not a part of the path: routers take no more than a hundred characters there.
  return `/customer-lifecycle/verify?token=${link}`;
}

/** What a link names; undefined when it is none. */
export function readLink(link: string): VerificationLink | undefined {
  try {
    const parts = JSON.parse(Buffer.from(link, 'base64url').toString()) as unknown[];
    const [tenantId, customerId, token] = parts;
    if (parts.length !== 3) return undefined;
    if (typeof tenantId !== 'string' || typeof customerId !== 'string' || typeof token !== 'string') return undefined;
    return { tenantId, customerId: id.parse(customerId), token };
  } catch {
    return undefined;
  }
}
