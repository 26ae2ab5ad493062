import { invalidInput, readDraft } from '@dotmac/core/contract';
import { isOperationError } from '@dotmac/core';
import { healthErrors } from '../errors.js';
import type { HealthContext } from '../context.js';
import { adHocTarget } from './ad-hoc.js';
import { checkTarget } from './check-target.js';
import { containerTarget } from './container.js';
import { serviceCheckInput, type ServiceCheck, type ServiceCheckDraft } from './service-check.js';
import type { ServiceTarget } from './target.js';

/** Checks on request. */
export interface ServiceCheckService {
  /**
   * Checks a service now.
   * @throws INVALID_INPUT, TARGET_NOT_FOUND, AD_HOC_TARGETS_DISABLED
   */
  run(draft: ServiceCheckDraft, signal?: AbortSignal): Promise<ServiceCheck>;
}

/** The checks of one scope. Targets are the host's, and the same for every tenant. */
export function serviceCheckService({ targets, docker, adHocConnector }: HealthContext): ServiceCheckService {
  const targetOf = ({
    serviceType,
    target,
    connectionString,
    containerId,
    timeout,
  }: Required<Pick<ServiceCheckDraft, 'timeout'>> & ServiceCheckDraft): ServiceTarget => {
    if (connectionString !== undefined) {
      if (!adHocConnector || serviceType === 'container') throw healthErrors.AD_HOC_TARGETS_DISABLED({});
      return adHocTarget(connectionString, serviceType, adHocConnector, timeout * 1_000);
    }
    if (containerId !== undefined) {
      if (!docker) throw healthErrors.TARGET_NOT_FOUND({ serviceType, target: containerId });
      return containerTarget(docker, containerId);
    }
    const name = target ?? '';
    const found = Object.hasOwn(targets, name) ? targets[name] : undefined;
    if (found?.serviceType !== serviceType) throw healthErrors.TARGET_NOT_FOUND({ serviceType, target: name });
    return found;
  };
  return {
    async run(draft, signal = new AbortController().signal) {
      const input = readDraft(serviceCheckInput, draft);
      let target: ServiceTarget;
      try {
        target = targetOf(input);
      } catch (error) {
        if (!isOperationError(error, 'INVALID_ARGUMENT')) throw error;
        throw invalidInput([{ path: 'connection_string', message: error.message }]);
      }
      return checkTarget(target, input.timeout * 1_000, signal);
    },
  };
}
