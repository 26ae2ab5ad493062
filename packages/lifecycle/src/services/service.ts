import { newId, type ScopeIdentity } from '@dotmac/core';
import { readDraft, type Page } from '@dotmac/core/contract';
import type { LifecycleContext } from '../context.js';
import { perform } from '../customers/perform.js';
import type { CommandOptions, JoinOptions } from '../customers/command-options.js';
import type { Decide, Step } from '../customers/step.js';
import { takeTurn } from '../customers/turn.js';
import { transitionFor } from '../customers/transitions.js';
import { lifecycleErrors } from '../errors.js';
import { newRun } from '../provisioning/plan.js';
import type { Provisioning, Run } from '../provisioning/run.js';
import { provisioningOf } from '../provisioning/run.js';
import { forgottenBy } from '../provisioning/template.js';
import { readPromise, readPromiseEnd } from '../suspension/promise.js';
import { reasonFor, reasonToOpen } from '../suspension/reasons.js';
import type { PromiseDraft, PromiseEndDraft } from '../suspension/suspension.js';
import { changeService, findService } from './change.js';
import { checkConfig, templateNamed, templateOfPlan } from './config.js';
import { driftOf, type ServiceDrift } from './drift.js';
import {
  planInput,
  serviceBlockInput,
  serviceListQuery,
  serviceRequestInput,
  serviceUnblockInput,
  terminationInput,
  type PlanDraft,
  type ServiceBlockDraft,
  type ServiceListDraft,
  type ServiceRequestDraft,
  type ServiceUnblockDraft,
  type TerminationDraft,
} from './input.js';
import {
  isGone,
  requestOf,
  viewOfService,
  type ServiceInstance,
  type ServiceRequest,
  type ServiceView,
} from './instance.js';
import { hasLeft } from './operation.js';
import { blockLifted, blockOpened, paymentPromised, promiseEnded } from './reasons.js';
import { recordOfService, type ServiceRecord } from './service-record.js';
import { startOperation } from './settle.js';
import { nothingSpared } from './spared.js';

/** Services that one customer may have at once. */
const mostServices = 200;
/** Runs of a service that are listed. */
const shownRuns = 100;

/** One tenant's services. */
export interface ServiceService {
  /**
   * Asks for a service for an active customer; it is set up in the background.
   * @throws CUSTOMER_NOT_FOUND, ILLEGAL_TRANSITION (the customer is not active), SERVICE_TEMPLATE_NOT_FOUND,
   * INVALID_SERVICE_CONFIG, SERVICE_LIMIT
   */
  request(customerId: string, draft: ServiceRequestDraft, options?: CommandOptions): Promise<ServiceRequest>;
  /** @throws SERVICE_NOT_FOUND */
  get(serviceId: string): Promise<ServiceView>;
  /** The same with what its steps gave back, and what was said of its reasons. @throws SERVICE_NOT_FOUND */
  record(serviceId: string): Promise<ServiceRecord>;
  /** All that is kept of a service, as code has it. @throws SERVICE_NOT_FOUND */
  read(serviceId: string, options?: JoinOptions): Promise<ServiceInstance>;
  /** Services by id, newest first, a page at a time; of one customer, or in one status, if asked. */
  list(draft?: ServiceListDraft): Promise<Page<ServiceView>>;
  /** What was done to a service, newest first: its last hundred runs. @throws SERVICE_NOT_FOUND */
  runs(serviceId: string): Promise<Provisioning[]>;
  /**
   * Opens a reason to throttle or suspend one service alone. The same reason with a higher severity takes its place.
   * @throws SERVICE_NOT_FOUND, SERVICE_BUSY (it is not there, or this reason is open already)
   */
  suspend(serviceId: string, draft: ServiceBlockDraft, options?: CommandOptions): Promise<ServiceView>;
  /** Lifts a reason of one service; those of its customer stay. @throws SERVICE_NOT_FOUND, SERVICE_BUSY (it is not open) */
  resume(serviceId: string, draft: ServiceUnblockDraft, options?: CommandOptions): Promise<ServiceView>;
  /**
   * Leaves an open reason of one service without effect until a time, at which it takes effect again, unless it was
   * lifted by then. Those of its customer stay as they are.
   * @throws SERVICE_NOT_FOUND, SERVICE_BUSY (it is not there, or this reason is not open), INVALID_INPUT
   */
  promise(serviceId: string, draft: PromiseDraft, options?: CommandOptions): Promise<ServiceView>;
  /** Ends a promise, or all of them, before its time. @throws SERVICE_NOT_FOUND, SERVICE_BUSY (nothing is promised) */
  endPromise(serviceId: string, draft?: PromiseEndDraft, options?: CommandOptions): Promise<ServiceView>;
  /**
   * Changes an active service to another plan, or to another configuration of its own, by the steps
   * `operations.change_plan` of the template that it changes to. A failure is undone, and leaves it as it was. Refused where
   * that template has no `operations.deprovision` and its steps do not undo all that the plan before set up; and, as
   * SERVICE_BUSY, where its customer has left, for whom it would be undone at once.
   * @throws SERVICE_NOT_FOUND, SERVICE_BUSY, SERVICE_TEMPLATE_NOT_FOUND, INVALID_SERVICE_CONFIG, PLAN_CHANGE_UNSUPPORTED,
   * TEMPLATE_NOT_REGISTERED
   */
  changePlan(serviceId: string, draft: PlanDraft, options?: CommandOptions): Promise<ServiceView>;
  /**
   * Takes a service down, once whatever is being done to it is over.
   * @throws SERVICE_NOT_FOUND, SERVICE_BUSY (it is gone or going already)
   */
  terminate(serviceId: string, draft?: TerminationDraft, options?: CommandOptions): Promise<ServiceView>;
  /**
   * Asks the `reconcile` of each completed step that made an active or suspended service what it is (setting it up,
   * suspending it, ...) whether its effect is still there.
   * @throws SERVICE_NOT_FOUND, TEMPLATE_NOT_REGISTERED
   */
  drift(serviceId: string, options?: { signal?: AbortSignal }): Promise<ServiceDrift>;
}

/** The services of one scope. */
export function serviceService(context: LifecycleContext, identity: ScopeIdentity): ServiceService {
  const { store } = context;
  const { customers, services, runs } = store.tenant(identity.tenantId);
  const change = async (
    ...given: Parameters<typeof changeService> extends [unknown, unknown, ...infer Rest] ? Rest : never
  ): Promise<ServiceView> => viewOfService(await changeService(context, identity, ...given));

  return {
    async request(customerId, draft, options) {
      const input = readDraft(serviceRequestInput, draft);
      const { serviceName, customConfig } = input;
      const command = 'requestService';
      const asked = { command, subject: customerId, input };
      const turn = await takeTurn<ServiceRequest>(context, identity, asked, options);
      if (turn.first) return turn.first;
      // First whether there is such a customer, for whom services can be requested; the transaction checks it again.
      const trx = options?.trx;
      const standing = trx ? undefined : await customers.standing(customerId);
      const customer = trx ? await customers.get(customerId, trx) : standing?.customer;
      if (!customer) throw lifecycleErrors.CUSTOMER_NOT_FOUND({ customerId });
      transitionFor(customer, command, {}, context.checklist);
      const template = templateNamed(context, serviceName);
      await checkConfig(template, customConfig);
      const id = newId();
      let requested: ServiceInstance | undefined;
      const decide: Decide = async (_, __, { at, liveServices }) => {
        if ((await liveServices()) >= mostServices) throw lifecycleErrors.SERVICE_LIMIT({ limit: mostServices });
        const asked = { customerId, config: customConfig, outputs: {} };
        const run = newRun(identity, asked, template, { operation: 'provision', at, ids: { runId: id } });
        const service = newService(run);
        requested = service;
        const data = { requestId: id, serviceId: id, serviceName, operation: run.operation };
        return {
          patch: {},
          event: { name: 'service.requested', data },
          requested: { service, run },
          stateOf: (changed) => ({ customer: changed, run, service }),
        };
      };
      const step: Step = { command, input, decide };
      const answer = () => requestOf(requested as ServiceInstance);
      return perform(context, identity, customerId, [step], answer, {
        ...options,
        turn,
        ...(standing && { standing }),
      });
    },
    get: async (serviceId) => viewOfService(await findService(services, serviceId)),
    record: async (serviceId) => recordOfService(await findService(services, serviceId)),
    read: (serviceId, options) => findService(services, serviceId, options?.trx),
    async list(draft = {}) {
      const { items, nextCursor } = await services.list(readDraft(serviceListQuery, draft));
      return { items: items.map(viewOfService), nextCursor };
    },
    async runs(serviceId) {
      await findService(services, serviceId);
      return (await runs.listFor(serviceId, shownRuns)).map(provisioningOf);
    },
    async suspend(serviceId, draft, options) {
      const input = readDraft(serviceBlockInput, draft);
      const { actionType, reason: note, parameters, severity } = input;
      const reason = reasonToOpen(actionType);
      const told = { reason, note, parameters, severity };
      const asked = { command: 'suspendService', serviceId, input, hook: 'service.suspend', told } as const;
      const block = { reason, severity, note, parameters, openedBy: identity.actor };
      return change(asked, options, blockOpened(block));
    },
    async resume(serviceId, draft, options) {
      const input = readDraft(serviceUnblockInput, draft);
      const { actionType } = input;
      const reason = reasonFor(actionType);
      const told = { reason };
      const asked = { command: 'resumeService', serviceId, input, hook: 'service.resume', told } as const;
      return change(asked, options, blockLifted(reason));
    },
    async promise(serviceId, draft, options) {
      const input = readPromise(draft);
      const asked = { command: 'promiseService', serviceId, input, hook: 'service.promise', told: input } as const;
      return change(asked, options, paymentPromised(input));
    },
    async endPromise(serviceId, draft = {}, options) {
      const reason = readPromiseEnd(draft);
      const told = { reason: reason ?? null };
      const asked = { command: 'endServicePromise', serviceId, input: told, hook: 'service.endPromise', told } as const;
      return change(asked, options, promiseEnded(reason));
    },
    async changePlan(serviceId, draft, options) {
      const input = readDraft(planInput, draft);
      const { serviceName, customConfig } = input;
      const command = 'changePlan';
      const wanted = { command, subject: serviceId, input };
      const turn = await takeTurn<ServiceInstance>(context, identity, wanted, options);
      if (turn.first) return viewOfService(turn.first);
      const known = await findService(services, serviceId, options?.trx);
      const template = templateOfPlan(context, known, serviceName);
      if (!template.stepsOf('change_plan'))
        throw lifecycleErrors.PLAN_CHANGE_UNSUPPORTED({ serviceName: template.name });
      await checkConfig(template, customConfig);
      const told = { serviceName: template.name, customConfig };
      const asked = { command, serviceId, input, hook: 'service.changePlan', told } as const;
      return change(asked, { ...options, turn }, async ({ service, customer, at, trx, busy }) => {
        // Of one who has left, a change would be undone at once.
        if (hasLeft(customer)) throw busy('its customer has left');
        if (service.openRunId !== null) throw busy('something is being done to it');
        if (service.status !== 'active') throw busy(`it is ${service.status}`);
        if (service.access !== 'full') throw busy(`it is ${service.access}`);
        const left = template.hasDeprovision ? [] : forgottenBy(template, context.templates.registered(service));
        if (left.length > 0) throw lifecycleErrors.PLAN_CHANGE_UNSUPPORTED({ serviceName: template.name, left });
        const previous = { serviceName: service.serviceName, config: service.config };
        const wanted = { ...service, config: customConfig };
        const of = { operation: 'change_plan', at, ids: { serviceId } } as const;
        return startOperation(context, service, newRun(identity, wanted, template, of, previous), { at, trx });
      });
    },
    async terminate(serviceId, draft = {}, options) {
      const input = readDraft(terminationInput, draft);
      const { reason: note } = input;
      const told = { note };
      const asked = { command: 'terminateService', serviceId, input, hook: 'service.terminate', told } as const;
      return change(asked, options, ({ service, at, busy }) => {
        if (isGone(service) || service.terminateRequestedAt !== null) throw busy('it is gone, or going');
        const data = { serviceId, serviceName: service.serviceName, note };
        return {
          service: { ...service, terminateRequestedAt: at },
          event: { name: 'service.termination_requested', data },
        };
      });
    },
    drift: async (serviceId, { signal } = {}) =>
      driftOf(context, await findService(services, serviceId), signal ?? new AbortController().signal),
  };
}

function newService(run: Run): ServiceInstance {
  const { id, tenantId, customerId, serviceName, templateVersion, templateHash, config, createdAt } = run;
  return {
    id,
    tenantId,
    customerId,
    serviceName,
    templateVersion,
    templateHash,
    config,
    status: 'pending',
    access: 'none',
    outputs: {},
    blocks: [],
    ...nothingSpared,
    terminateRequestedAt: null,
    openRunId: id,
    createdAt,
    updatedAt: createdAt,
    provisionedAt: null,
    terminatedAt: null,
  };
}
