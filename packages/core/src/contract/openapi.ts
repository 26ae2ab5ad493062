import { z } from 'zod';
import {
  createDocument,
  type oas31,
  type ZodOpenApiOperationObject,
  type ZodOpenApiPathsObject,
  type ZodOpenApiResponseObject,
} from 'zod-openapi';
import { version } from '../../package.json';
import { coreErrors } from '../errors/core-errors.js';
import type { ErrorFactory } from '../errors/define-errors.js';
import { spellOnWire } from './json-schema.js';
import { problemSchema, statusOf } from './problem.js';
import type { Route } from './route.js';
import { wireName } from './wire.js';

/** What the document says of the API as a whole. */
export interface DocumentInfo {
  title?: string;
  version?: string;
  description?: string;
  /** Where the API is mounted, as clients see it. Default `/`. */
  serverUrl?: string;
}

/** The document's text where the host gives none. */
const defaultInfo = {
  title: 'Operations API',
  version,
  description:
    'Network health, customer lifecycle and infrastructure maintenance. Errors are problem details (RFC 9457) with a stable `code`. Lists go by the page: ask again with `next_cursor` as `cursor`, until it is null. Instants are ISO 8601 in UTC.',
  serverUrl: '/',
};

/** Answered by every route, whatever its work is. */
const openErrors = [coreErrors.RATE_LIMITED, coreErrors.INTERNAL, coreErrors.STORE_UNAVAILABLE];
/** By those besides that ask who is asking. */
const pipelineErrors = [
  coreErrors.UNAUTHENTICATED,
  coreErrors.PERMISSION_DENIED,
  ...openErrors,
  coreErrors.ISSUER_UNAVAILABLE,
];
const inputErrors = [coreErrors.INVALID_INPUT];
const bodyErrors = [coreErrors.MALFORMED_BODY, coreErrors.BODY_TOO_LARGE, coreErrors.UNSUPPORTED_MEDIA_TYPE];
/** Of streams that go on for as long as they are read: what `createStreams` says. */
const streamErrors = [coreErrors.STREAM_LIMIT_REACHED, coreErrors.STREAMS_FULL, coreErrors.STREAMS_ENDED];
const keyErrors = {
  byPipeline: [coreErrors.IDEMPOTENCY_IN_FLIGHT, coreErrors.IDEMPOTENCY_KEY_REUSED],
  byCommand: [coreErrors.IDEMPOTENCY_KEY_REUSED, coreErrors.IDEMPOTENCY_ANSWER_LOST],
};

/** The OpenAPI 3.1 document of some routes, in wire names. */
export function openApiDocument(
  routes: readonly Route<never>[],
  info: DocumentInfo = {},
  idempotency = true,
): oas31.OpenAPIObject {
  const { title, version, description, serverUrl } = { ...defaultInfo, ...info };
  const paths: ZodOpenApiPathsObject = {};
  for (const route of routes)
    paths[route.path] = { ...paths[route.path], [route.method.toLowerCase()]: operation(route, idempotency) };
  const document = createDocument(
    {
      openapi: '3.1.1',
      info: {
        title,
        version,
        description,
        contact: { name: 'dotmac', url: 'https://github.com/dotmac/dotmac' },
        license: { name: 'MIT', identifier: 'MIT' },
      },
      servers: [{ url: serverUrl }],
      tags: [...new Set(routes.map(({ tag }) => tag))].map((name) => ({ name, description: `${name} routes` })),
      security: [{ bearer: [] }],
      paths,
      components: {
        securitySchemes: { bearer: { type: 'http', scheme: 'bearer', description: 'An API key or a token' } },
      },
    },
    { override: spellSchemas, allowEmptySchema: { unknown: true } },
  );
  return spellParameters(document);
}

function operation(route: Route<never>, idempotency: boolean): ZodOpenApiOperationObject {
  const { params, query, body, deferred, permission, lines } = route;
  const keyed = route.idempotent === 'by its command' || (route.idempotent && idempotency);
  const header = {
    ...(keyed && {
      'Idempotency-Key': z
        .string()
        .min(1)
        .max(255)
        .optional()
        .meta({ description: 'Repeat a request with the same key, and its first answer is replayed' }),
    }),
    ...(route.stream === 'events' && {
      'Last-Event-ID': z.string().optional().meta({ description: 'Go on after this event' }),
    }),
    ...(route.cacheSeconds !== undefined && {
      'If-None-Match': z.string().optional().meta({ description: 'The ETag of the answer that the client has' }),
    }),
    ...(deferred && {
      Prefer: z
        .string()
        .optional()
        .meta({ description: '`respond-async` answers 202 at once', examples: ['respond-async'] }),
    }),
  };
  const errors = [
    ...(permission === null ? openErrors : pipelineErrors),
    ...(params || query || body || keyed ? inputErrors : []),
    ...(body ? bodyErrors : []),
    ...(lines ? [coreErrors.UNSUPPORTED_MEDIA_TYPE] : []),
    ...(route.stream === 'events' ? streamErrors : []),
    ...(keyed ? keyErrors[route.idempotent === true ? 'byPipeline' : 'byCommand'] : []),
    ...route.errors,
  ];
  return {
    operationId: route.name,
    tags: [route.tag],
    summary: route.summary,
    description: `${route.description ?? route.summary}\n\n${permission === null ? 'Open to anybody.' : `Permission: \`${permission}\`.`}`,
    ...(permission === null && { security: [] }),
    requestParams: {
      ...(params && { path: params }),
      ...(query && { query }),
      ...(Object.keys(header).length > 0 && { header: z.object(header) }),
    },
    ...(body && {
      requestBody: { required: !body.safeParse({}).success, content: { 'application/json': { schema: body } } },
    }),
    ...(lines && { requestBody: { required: true, content: { 'application/x-ndjson': { schema: lines } } } }),
    responses: {
      [route.status]: success(route.summary, route.output, route.location !== undefined, mediaTypeOf(route)),
      ...(deferred && { 202: success('Accepted; the Location shows its progress', deferred.output, true) }),
      ...(route.cacheSeconds !== undefined && { 304: { description: 'What `If-None-Match` names is still so' } }),
      ...problems(errors),
    },
  };
}

/** Of a stream, the schema is each item's. */
function mediaTypeOf({ stream, text }: Route<never>): string {
  if (stream) return stream === 'events' ? 'text/event-stream' : 'application/x-ndjson';
  return text ?? 'application/json';
}

function success(
  description: string,
  schema: z.ZodType,
  located: boolean,
  mediaType = 'application/json',
): ZodOpenApiResponseObject {
  const headers = located && {
    headers: z.object({ Location: z.string().meta({ description: 'Where it can be read' }) }),
  };
  return { description, ...headers, content: { [mediaType]: { schema } } };
}

/** One response a status, naming the codes that it may carry. */
function problems(errors: readonly ErrorFactory<never>[]): Record<string, ZodOpenApiResponseObject> {
  const codes = new Map<number, Set<string>>();
  for (const { kind, code } of errors) {
    const status = statusOf(kind);
    codes.set(status, (codes.get(status) ?? new Set()).add(code));
  }
  const content = { 'application/problem+json': { schema: problemSchema } };
  const response = (names: Set<string>) => ({ description: [...names].map((it) => `\`${it}\``).join(', '), content });
  return Object.fromEntries([...codes].map(([status, names]) => [status, response(names)]));
}

/** zod-openapi gathers all schemas in one object, by the places (`paths > …`) at which it looks for them again: no wire names. */
function spellSchemas(context: Parameters<typeof spellOnWire>[0]): void {
  const isGathering = Object.keys(context.jsonSchema.properties ?? {}).some((name) => name.includes(' > '));
  if (!isGathering) spellOnWire(context);
}

/** zod-openapi takes parameter names from the schema's keys, past the override. */
function spellParameters<Document extends ReturnType<typeof createDocument>>(document: Document): Document {
  for (const path of Object.values(document.paths ?? {}))
    for (const operation of Object.values(path) as { parameters?: { in: string; name: string }[] }[])
      for (const parameter of operation.parameters ?? [])
        if (parameter.in !== 'header') parameter.name = wireName(parameter.name);
  return document;
}
