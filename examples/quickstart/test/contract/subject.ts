import type { Client } from './client.js';

/** What a case of the contract gets: a tenant of its own on a running server. */
export interface ContractSubject {
  /** Unique among the cases. */
  tenantId: string;
  /** With every permission. */
  client: Client;
  /** Another tenant, with every permission. */
  stranger: Client;
  /** The same tenant, with no permission. */
  powerless: Client;
  /** Without credentials. */
  anonymous: Client;
  dataDirectory: string;
  /** A PostgreSQL to check by its connection string. */
  postgresUrl: string;
  /** Seeds rows older than the retention into `demo_sessions`, and some newer. */
  seedSessions(old: number, recent: number): Promise<void>;
  /** Ids that are left in `demo_sessions`. */
  sessions(): Promise<number>;
}
