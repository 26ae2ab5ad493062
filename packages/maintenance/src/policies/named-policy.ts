/** What every policy has. */
export interface NamedPolicy {
  /** How requests and reports call it: letters, digits, `.`, `_`, `-`; unique among policies of its kind. */
  name: string;
  /** The tenants that may run it. Default every tenant (whose principal holds `maintenance:execute`). */
  tenants?: readonly string[];
}
