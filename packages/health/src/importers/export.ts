import { z } from 'zod';

/** Monitors that one request brings at most: they are registered in one transaction. */
export const mostAtOnce = 1_000;
const tooMany = `At most ${mostAtOnce} in a request`;

const isObject = (given: unknown): boolean => typeof given === 'object' && given !== null;
const countOf = (given: unknown): number => (isObject(given) ? Object.keys(given as object).length : 0);
const lists = ['endpoints', 'external-endpoints', 'suites'] as const;

// Both are records: their keys are those products' own, and no snake_case.

/** The configuration of Gatus, as JSON. Of its fields three lists are read; each endpoint is looked at by itself. */
export const gatusConfiguration = z
  .record(z.string(), z.unknown())
  .superRefine((given, { addIssue }) => {
    const refuse = (path: string, message: string): void => addIssue({ code: 'custom', path: [path], message });
    const wrong = lists.filter((name) => !Array.isArray(given[name] ?? []));
    for (const name of wrong) refuse(name, 'Give a list');
    const count = lists.reduce((sum, name) => sum + countOf(given[name]), 0);
    if (count === 0 && wrong.length === 0) refuse('endpoints', 'There are none in it');
    if (count > mostAtOnce) refuse('endpoints', tooMany);
  })
  .meta({
    id: 'GatusConfiguration',
    description:
      'Its YAML as JSON: `endpoints`, `external-endpoints` and `suites` are read. What else is in it is not looked at, and not kept',
    examples: [
      {
        endpoints: [
          { name: 'front-end', group: 'core', url: 'https://www.example.com/health', conditions: ['[STATUS] == 200'] },
        ],
      },
    ],
  });

/** The backup of Uptime Kuma. */
export const uptimeKumaBackup = z
  .record(z.string(), z.unknown())
  .superRefine(({ monitorList }, { addIssue }) => {
    const refuse = (message: string): void => addIssue({ code: 'custom', path: ['monitorList'], message });
    if (!isObject(monitorList)) refuse('Give the list of monitors, or them by their ids');
    else if (countOf(monitorList) === 0) refuse('There are none in it');
    else if (countOf(monitorList) > mostAtOnce) refuse(tooMany);
  })
  .meta({
    id: 'UptimeKumaBackup',
    description:
      '`monitorList` is read: a list, or monitors by their ids. What else is in it is not looked at, and not kept',
    examples: [
      { version: '1.23.16', monitorList: [{ id: 1, name: 'Shop', type: 'http', url: 'https://shop.example.com' }] },
    ],
  });
