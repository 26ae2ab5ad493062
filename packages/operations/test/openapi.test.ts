import { openApiDocument } from '@dotmac/core/http';
import { sqlite } from '@dotmac/core/kysely';
import { createOperations } from '../src/index.js';
import { createConfig, lintFromString } from '@redocly/openapi-core';
import spectralCore, { type RulesetDefinition } from '@stoplight/spectral-core';
import spectralRulesets from '@stoplight/spectral-rulesets';
import { beforeAll, describe, expect, it } from 'vitest';

let document: ReturnType<typeof openApiDocument>;

beforeAll(async () => {
  const database = sqlite(':memory:');
  document = openApiDocument(createOperations({ database }).routes, { serverUrl: 'https://ops.example.net' });
  await database.close();
});

const redocly = async (subject: object) => {
  const config = await createConfig({ extends: ['recommended'] });
  const problems = await lintFromString({ source: JSON.stringify(subject), absoluteRef: '/openapi.json', config });
  return problems.map(({ ruleId, message, location }) => `${ruleId}: ${message} at ${location[0]?.pointer}`);
};

const spectral = async (subject: object) => {
  const linter = new spectralCore.Spectral();
  linter.setRuleset({ extends: [[spectralRulesets.oas as RulesetDefinition, 'recommended']] });
  const problems = await linter.run(JSON.stringify(subject));
  return problems.map(({ code, message, path }) => `${code}: ${message} at ${path.join('.')}`);
};

describe.each(Object.entries({ redocly, spectral }))(
  'the OpenAPI document under the recommended rules of %s',
  (_, lint) => {
    it('has no fault and no warning', async () => {
      expect(await lint(document)).toEqual([]);
    });

    it('would have one if an operation lost its answers', async () => {
      const [[path, item] = []] = Object.entries(document.paths ?? {});
      const broken = { ...document, paths: { [String(path)]: { get: { ...item?.post, responses: {} } } } };
      expect(await lint(broken)).not.toEqual([]);
    });
  },
);

it('says what each parameter means', () => {
  const operations = Object.entries(document.paths ?? {}).flatMap(([path, item]) =>
    [item?.get, item?.post, item?.put, item?.patch, item?.delete].flatMap((it) => (it ? [{ path, ...it }] : [])),
  );
  const parameters = operations.flatMap(({ path, parameters = [] }) =>
    parameters.flatMap((it) => ('name' in it ? [{ path, ...it }] : [])),
  );
  expect(parameters.length).toBeGreaterThan(200);
  const isExplained = ({ description, schema }: (typeof parameters)[number]): boolean =>
    (description ?? (schema && 'description' in schema ? schema.description : '') ?? '') !== '';
  expect(parameters.filter((it) => !isExplained(it)).map(({ path, name }) => `${path}: ${name}`)).toEqual([]);
});

it('has no empty schema where a type was declared', () => {
  const empty: string[] = [];
  const look = (value: unknown, path: string): void => {
    if (typeof value !== 'object' || value === null) return;
    for (const [key, item] of Object.entries(value)) {
      if (key === 'schema' && JSON.stringify(item) === '{}') empty.push(path);
      look(item, `${path}/${key}`);
    }
  };
  look(document.paths, '');
  expect(empty).toEqual([]);
});

it('names every member as it goes over the wire', () => {
  const names = Object.values(document.components?.schemas ?? {}).flatMap((schema) =>
    'properties' in schema ? Object.keys(schema.properties ?? {}) : [],
  );
  expect(names.length).toBeGreaterThan(50);
  expect(names.filter((name) => !/^[a-z0-9_]+$/.test(name))).toEqual([]);
});
