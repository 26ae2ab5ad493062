import { coreErrors } from '@dotmac/core';
import { lifecycleErrors } from '../errors.js';
import type { Run } from './run.js';
import type { ServiceTemplate } from './template.js';

/** The templates that the host registered. */
export interface TemplateCatalogue {
  /** Of all of them: of a name, a version and its steps. */
  readonly hashes: readonly string[];
  /** For a new run: the last registered of that name. */
  latest(name: string): ServiceTemplate | undefined;
  /** For a run that began: its own version, with its own steps. */
  of(run: Pinned): ServiceTemplate | undefined;
  /**
   * The same for a command that cannot be judged without: that this process does not have it says nothing of others.
   * @throws TEMPLATE_NOT_REGISTERED
   */
  registered(run: Pinned): ServiceTemplate;
}

/** What says which template something began with. */
type Pinned = Pick<Run, 'serviceName' | 'templateVersion' | 'templateHash'>;

/** How long to wait before another process is asked. */
const retryAfterSeconds = 5;

/** @throws INVALID_ARGUMENT when two templates have the same name and version */
export function templateCatalogue(templates: readonly ServiceTemplate[]): TemplateCatalogue {
  const byVersion = new Map<string, ServiceTemplate>();
  const keyOf = (name: string, version: string): string => JSON.stringify([name, version]);
  for (const template of templates) {
    const key = keyOf(template.name, template.version);
    if (byVersion.has(key))
      throw coreErrors.INVALID_ARGUMENT({
        argument: 'templates',
        reason: `two are named ${template.name}@${template.version}`,
      });
    byVersion.set(key, template);
  }
  const byName = new Map(templates.map((template) => [template.name, template]));
  const of = ({ serviceName, templateVersion, templateHash }: Pinned): ServiceTemplate | undefined => {
    const template = byVersion.get(keyOf(serviceName, templateVersion));
    return template?.hash === templateHash ? template : undefined;
  };
  return {
    hashes: templates.map(({ hash }) => hash),
    latest: (name) => byName.get(name),
    of,
    registered(run) {
      const { serviceName, templateVersion } = run;
      const template = of(run);
      if (!template)
        throw lifecycleErrors.TEMPLATE_NOT_REGISTERED(
          { serviceName, templateVersion },
          { retryAfter: retryAfterSeconds },
        );
      return template;
    },
  };
}
