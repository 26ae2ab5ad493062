import { inWords } from '@dotmac/core/contract';
import type { LifecycleContext } from '../context.js';
import { lifecycleErrors } from '../errors.js';
import type { ServiceTemplate } from '../provisioning/template.js';
import type { ServiceInstance } from './instance.js';

/** The newest template of a name. @throws SERVICE_TEMPLATE_NOT_FOUND */
export function templateNamed({ templates }: LifecycleContext, serviceName: string): ServiceTemplate {
  const template = templates.latest(serviceName);
  if (template) return template;
  const issues = [{ path: 'service_name', message: 'There is no such service' }];
  throw lifecycleErrors.SERVICE_TEMPLATE_NOT_FOUND({ serviceName }, { issues });
}

/**
 * The newest template of the plan that a service is to have; absent: the one that it has. That this process knows nothing of
 * that one does not say that there is no such service.
 * @throws SERVICE_TEMPLATE_NOT_FOUND, TEMPLATE_NOT_REGISTERED
 */
export function templateOfPlan(
  context: LifecycleContext,
  service: ServiceInstance,
  serviceName = service.serviceName,
): ServiceTemplate {
  if (serviceName !== service.serviceName) return templateNamed(context, serviceName);
  return context.templates.latest(serviceName) ?? context.templates.registered(service);
}

/** Holds a configuration against a template's schema. @throws INVALID_SERVICE_CONFIG */
export async function checkConfig(
  { name, config }: ServiceTemplate,
  customConfig: Record<string, unknown>,
): Promise<void> {
  const { error } = await config.safeParseAsync(customConfig, inWords);
  if (!error) return;
  const issues = error.issues.map((issue) => ({
    path: ['custom_config', ...issue.path.map(String)].join('.'),
    message: issue.message,
  }));
  throw lifecycleErrors.INVALID_SERVICE_CONFIG({ serviceName: name }, { issues });
}
