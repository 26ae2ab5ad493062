import { isOperationError } from '@dotmac/core';

/** Does what is refused to a process whose lease is over, which has been told of it then. */
export async function unlessFenced(work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!isLeaseLost(error)) throw error;
  }
}

/** Whether another process has the lease by now, or this one's is over. */
export function isLeaseLost(error: unknown): boolean {
  return isOperationError(error) && error.code === 'LEASE_LOST';
}
