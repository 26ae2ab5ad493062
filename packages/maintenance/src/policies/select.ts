import { invalidInput } from '@dotmac/core/contract';

interface Named {
  name: string;
  tenants?: readonly string[];
}

/**
 * The policies that a run of `tenantId` works on: those named, or all that are open to the tenant.
 * @throws INVALID_INPUT when a name is unknown, or not open to the tenant (which looks the same)
 */
export function selectPolicies<Policy extends Named>(
  policies: readonly Policy[],
  tenantId: string,
  names: readonly string[] | undefined,
): Policy[] {
  const open = policies.filter(({ tenants }) => tenants === undefined || tenants.includes(tenantId));
  if (names === undefined) return open;
  const unknown = names.flatMap((name, index) =>
    open.some((policy) => policy.name === name)
      ? []
      : [{ path: `policies.${index}`, message: 'There is no such policy' }],
  );
  if (unknown.length > 0) throw invalidInput(unknown);
  return open.filter(({ name }) => names.includes(name));
}

/**
 * Refuses a number below what a policy allows.
 * @throws INVALID_INPUT
 */
export function refuseBelow(path: string, given: number | undefined, floors: readonly number[]): void {
  const floor = Math.max(...floors, 0);
  if (given !== undefined && given < floor)
    throw invalidInput([{ path, message: `The policies of the host application ask for at least ${floor}` }]);
}
