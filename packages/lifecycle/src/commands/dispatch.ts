import type { ScopeIdentity } from '@dotmac/core';
import type { LifecycleContext } from '../context.js';
import type { CarryOutOptions } from '../customers/command-options.js';
import { customerService } from '../customers/service.js';
import type { Command } from '../customers/transitions.js';
import { onboardingService } from '../onboarding/service.js';
import { privacyService } from '../privacy/service.js';
import { serviceService } from '../services/service.js';
import { suspensionService } from '../suspension/service.js';
import type { ServiceCommand } from './explanation.js';
import type { CommandInput } from './input.js';

/** The commands that can be given by name; verifying takes a token that only the customer has. */
export type NamedCommand = Exclude<Command, 'verify' | 'progressOnboarding' | 'completeOnboarding'>;

type Give = (customerId: string, input: CommandInput, options?: CarryOutOptions) => Promise<unknown>;

/** Every command by its name, for those that are told at run time which one: timers, dry runs, bulk. */
export function commandsOf(context: LifecycleContext, identity: ScopeIdentity): Record<NamedCommand, Give> {
  const customers = customerService(context, identity);
  const suspension = suspensionService(context, identity);
  // Each service reads its input by its schema, whoever gives it.
  const onSuspension =
    (command: 'suspend' | 'throttle' | 'reactivate' | 'promise' | 'endPromise'): Give =>
    (customerId, input, options) =>
      suspension[command](customerId, input as never, options);
  const departing =
    (command: 'reject' | 'markChurning' | 'winBack' | 'deactivate' | 'delete' | 'restore'): Give =>
    (customerId, input, options) =>
      customers[command](customerId, input, options);
  return {
    approve: (customerId, _, options) => customers.approve(customerId, options),
    reject: departing('reject'),
    startOnboarding: (customerId, input, options) =>
      onboardingService(context, identity).onboard(customerId, input, options),
    requestService: (customerId, input, options) =>
      serviceService(context, identity).request(customerId, input as never, options),
    suspend: onSuspension('suspend'),
    throttle: onSuspension('throttle'),
    reactivate: onSuspension('reactivate'),
    promise: onSuspension('promise'),
    endPromise: onSuspension('endPromise'),
    markChurning: departing('markChurning'),
    winBack: departing('winBack'),
    deactivate: departing('deactivate'),
    delete: departing('delete'),
    restore: departing('restore'),
    erase: (customerId, { reference }, options) =>
      privacyService(context, identity).erase(customerId, { reference }, options),
  };
}

/** Every command on a service by its name. */
export function serviceCommandsOf(
  context: LifecycleContext,
  identity: ScopeIdentity,
): Record<ServiceCommand, (serviceId: string, input: CommandInput, options: CarryOutOptions) => Promise<unknown>> {
  const services = serviceService(context, identity);
  // Each reads its input by its schema, whoever gives it.
  const give =
    (command: ServiceCommand) =>
    (serviceId: string, input: CommandInput, options: CarryOutOptions): Promise<unknown> =>
      services[command](serviceId, input as never, options);
  return {
    suspend: give('suspend'),
    resume: give('resume'),
    promise: give('promise'),
    endPromise: give('endPromise'),
    changePlan: give('changePlan'),
    terminate: give('terminate'),
  };
}
