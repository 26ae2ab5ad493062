import { classOf, neverAllowed, plainAddress, type AddressClass } from './address-classes.js';
import { compileRule, isPort, type EgressPolicy } from './policy.js';

/**
 * Why a target is denied: the class that its address belongs to, `denied_by_policy` when a deny rule matched,
 * `not_allowed` when a public address matched no allow rule, `invalid_port` outside 1 to 65535.
 */
export type DenyReason = Exclude<AddressClass, 'public'> | 'denied_by_policy' | 'not_allowed' | 'invalid_port';

/** The decision about one address. */
export type Verdict = { allowed: true } | { allowed: false; reason: DenyReason };

/** A checked policy, ready to judge many addresses. */
export interface CompiledPolicy {
  /** Judges one IP address and port; `host` is the name that resolved to it, for rules that name hosts. */
  judge(address: string, port: number, host?: string): Verdict;
}

/**
 * Checks every rule of a policy once and gives its judge.
 * @throws INVALID_ARGUMENT when a rule is not one
 */
export function compilePolicy(policy: EgressPolicy): CompiledPolicy {
  const deny = (policy.deny ?? []).map((rule) => compileRule(rule, 'deny'));
  const allow = policy.allow.map((rule) => compileRule(rule, 'allow'));
  return {
    judge(address, port, host) {
      if (!isPort(port)) return { allowed: false, reason: 'invalid_port' };
      const plain = plainAddress(address);
      if (!plain) return { allowed: false, reason: 'not_an_address' };
      // The spread comes last: what is added to one makes a hidden class each time, and this is done for every connection.
      const target = { class: classOf(plain), port, host, ...plain };
      if (neverAllowed.has(target.class)) return denial(target.class);
      if (deny.some((matches) => matches(target))) return { allowed: false, reason: 'denied_by_policy' };
      return allow.some((matches) => matches(target)) ? { allowed: true } : denial(target.class);
    },
  };
}

/**
 * Judges one IP address under a policy; {@link compilePolicy} once is cheaper for many.
 * @throws INVALID_ARGUMENT when a rule of the policy is not one
 */
export function judgeAddress(address: string, port: number, policy: EgressPolicy, host?: string): Verdict {
  return compilePolicy(policy).judge(address, port, host);
}

function denial(addressClass: AddressClass): Verdict {
  return { allowed: false, reason: addressClass === 'public' ? 'not_allowed' : addressClass };
}
