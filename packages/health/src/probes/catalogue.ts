import { z } from 'zod';
import type { ProbeRegistry } from './registry.js';

/** What a probe takes and gives, as it is shown. */
export const probeCatalogue = z
  .object({
    items: z.array(
      z.object({
        serviceType: z.string(),
        summary: z.string(),
        addressing: z
          .enum(['port', 'host', 'none'])
          .meta({ description: 'Whether it needs host and port, a host, or neither' }),
        config: z.record(z.string(), z.unknown()).meta({ description: 'The JSON Schema of `config`' }),
        facts: z.array(z.string()).meta({ description: 'What conditions can speak of, besides `latency`' }),
      }),
    ),
  })
  .meta({ id: 'ProbeCatalogue' });

/** @see probeCatalogue */
export type ProbeCatalogue = z.output<typeof probeCatalogue>;

/** Describes every probe, by name. */
export function catalogueOf(probes: ProbeRegistry): ProbeCatalogue {
  const items = [...probes.values()].map(({ serviceType, summary, addressing, config, facts = [] }) => ({
    serviceType,
    summary,
    addressing,
    config: z.toJSONSchema(config, { io: 'input', unrepresentable: 'any' }) as Record<string, unknown>,
    facts: [...facts],
  }));
  return { items: items.sort((a, b) => (a.serviceType < b.serviceType ? -1 : 1)) };
}
