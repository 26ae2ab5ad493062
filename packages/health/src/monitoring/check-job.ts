import type { KeptEndpoint } from './directory.js';
import { hostAsOne } from './fair-queue.js';
import type { Job } from './job.js';

/** The check of an endpoint, as it waits for its turn. */
export class CheckJob implements Job {
  readonly id: string;
  readonly tenantId: string;
  readonly host: string;

  constructor(readonly kept: KeptEndpoint) {
    const { id, tenantId, host } = kept.endpoint;
    this.id = id;
    this.tenantId = tenantId;
    this.host = host === null ? '' : hostAsOne(host);
  }

  get isSuspect(): boolean {
    return this.kept.checkedAt !== null && this.kept.responseTimeMs === null;
  }
}
