import type { InputIssue } from '@dotmac/core';
import type { Directory } from '../monitoring/directory.js';

/**
 * What is wrong with the endpoints that somebody names: those of the tenant's alone are there.
 * @param known what was named before, which may be gone by now
 */
export function faultsOfNamed(
  endpointIds: readonly string[],
  {
    tenantId,
    directory,
    known = [],
    path,
  }: {
    tenantId: string;
    directory: Pick<Directory, 'get'>;
    known?: readonly string[] | undefined;
    path: (index: number) => string;
  },
): InputIssue[] {
  return endpointIds.flatMap((id, index) =>
    known.includes(id) || directory.get(id)?.endpoint.tenantId === tenantId
      ? []
      : [{ path: path(index), message: 'There is no such endpoint' }],
  );
}
