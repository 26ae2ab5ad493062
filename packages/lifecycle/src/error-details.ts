/** A service that is not gone yet. */
export interface RemainingService {
  serviceId: string;
  serviceName: string;
  status: string;
  /** It stays until somebody terminates it: taking it down was cancelled. */
  isKept: boolean;
}

/** A command that a customer cannot take. */
export interface IllegalTransition {
  stage: string;
  command: string;
  /** Every command that the table has for the stage, whoever is in it. */
  legal: string[];
  /** Those of them, besides this one, that the guards let this customer take: holds, services and hooks are not asked. */
  possible: string[];
  /** Why its guard refuses it; absent when the table does not have it for the stage. */
  reason?: string;
}
