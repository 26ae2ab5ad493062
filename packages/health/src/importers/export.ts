import { z } from 'zod';

/** Monitors that one request brings at most: they are registered in one transaction. */
export const mostAtOnce = 1_000;
const tooMany = `At most ${mostAtOnce} in a request`;

const countOf = (list: unknown): number => (typeof list === 'object' && list !== null ? Object.keys(list).length : 0);
const list = z.array(z.unknown()).nullish();

/** The configuration of Gatus, as JSON. Of its fields these are read; each endpoint is looked at by itself. */
export const gatusConfiguration = z
  .looseObject({ endpoints: list, 'external-endpoints': list, suites: list })
  .superRefine((it, { addIssue }) => {
    const count = countOf(it.endpoints) + countOf(it['external-endpoints']) + countOf(it.suites);
    if (count === 0) addIssue({ code: 'custom', path: ['endpoints'], message: 'There are none in it' });
    if (count > mostAtOnce) addIssue({ code: 'custom', path: ['endpoints'], message: tooMany });
  })
  .meta({
    id: 'GatusConfiguration',
    description: 'Its YAML as JSON. What else is in it is not looked at, and not kept',
    examples: [
      {
        endpoints: [
          { name: 'front-end', group: 'core', url: 'https://www.example.com/health', conditions: ['[STATUS] == 200'] },
        ],
      },
    ],
  });

/** The backup of Uptime Kuma. A record, for its keys are camelCase there, on the wire too. */
export const uptimeKumaBackup = z
  .record(z.string(), z.unknown())
  .superRefine(({ monitorList }, { addIssue }) => {
    const refuse = (message: string): void => addIssue({ code: 'custom', path: ['monitorList'], message });
    if (typeof monitorList !== 'object' || monitorList === null)
      refuse('Give the list of monitors, or them by their ids');
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
