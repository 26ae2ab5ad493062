import { newId, type ScopeIdentity } from '@dotmac/core';
import { readDraft } from '@dotmac/core/contract';
import type { LifecycleContext } from '../context.js';
import { perform, type CommandOptions, type Step } from '../customers/perform.js';
import { transitionFor } from '../customers/transitions.js';
import { lifecycleErrors } from '../errors.js';
import type { ServiceTemplate } from './definition.js';
import { freshStep } from './plan.js';
import {
  provisioningOf,
  requestOf,
  serviceRequestInput,
  type Provisioning,
  type Run,
  type ServiceRequest,
  type ServiceRequestDraft,
} from './run.js';

/** One tenant's services. */
export interface ServiceService {
  /**
   * Asks for a service for an active customer; it is set up in the background.
   * @throws CUSTOMER_NOT_FOUND, ILLEGAL_TRANSITION (the customer is not active), SERVICE_TEMPLATE_NOT_FOUND,
   * INVALID_SERVICE_CONFIG
   */
  request(customerId: string, draft: ServiceRequestDraft, options?: CommandOptions): Promise<ServiceRequest>;
  /** How far a requested service is. @throws PROVISIONING_NOT_FOUND */
  get(requestId: string): Promise<Provisioning>;
}

/** The services of one scope. */
export function serviceService(context: LifecycleContext, identity: ScopeIdentity): ServiceService {
  const { store, templates } = context;
  const { customers, runs } = store.tenant(identity.tenantId);

  return {
    async request(customerId, draft, options) {
      const { serviceName, customConfig } = readDraft(serviceRequestInput, draft);
      // First whether there is such a customer, for whom services can be requested; the transaction checks it again.
      const customer = await customers.get(customerId, options?.trx);
      if (!customer) throw lifecycleErrors.CUSTOMER_NOT_FOUND({ customerId });
      transitionFor(customer, 'requestService');
      const template = templates.latest(serviceName);
      if (!template)
        throw lifecycleErrors.SERVICE_TEMPLATE_NOT_FOUND(
          { serviceName },
          { issues: [{ path: 'service_name', message: 'There is no such service' }] },
        );
      await checkConfig(template, customConfig);
      const id = newId();
      let requested: Run | undefined;
      const decide: Step['decide'] = async (_, __, { at, trx }) => {
        const run = newRun(id, { ...identity, customerId }, template, customConfig, at);
        await runs.insert(run, trx);
        requested = run;
        return {
          patch: {},
          event: { name: 'service.requested', data: { requestId: id, serviceName } },
          stateOf: (customer) => ({ customer, run }),
        };
      };
      const step: Step = { command: 'requestService', input: { serviceName, customConfig }, decide };
      await perform(context, identity, customerId, [step], options);
      return requestOf(requested as unknown as Run);
    },
    async get(requestId) {
      const run = await runs.get(requestId);
      if (!run) throw lifecycleErrors.PROVISIONING_NOT_FOUND({ requestId });
      return provisioningOf(run);
    },
  };
}

async function checkConfig({ name, config }: ServiceTemplate, customConfig: Record<string, unknown>): Promise<void> {
  const { error } = await config.safeParseAsync(customConfig);
  if (!error) return;
  const issues = error.issues.map(({ path, message }) => ({
    path: ['custom_config', ...path.map(String)].join('.'),
    message,
  }));
  throw lifecycleErrors.INVALID_SERVICE_CONFIG({ serviceName: name }, { issues });
}

function newRun(
  id: string,
  { tenantId, actor, customerId }: ScopeIdentity & { customerId: string },
  { name, version, hash, steps }: ServiceTemplate,
  config: Record<string, unknown>,
  at: number,
): Run {
  return {
    id,
    tenantId,
    customerId,
    serviceName: name,
    templateVersion: version,
    templateHash: hash,
    config,
    status: 'pending',
    direction: 'forward',
    steps: steps.map(({ key }) => freshStep(key)),
    nextAt: at,
    requestedBy: actor,
    createdAt: at,
    updatedAt: at,
    provisionedAt: null,
  };
}
