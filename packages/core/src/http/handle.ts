import type { Permission } from '../contract/permission.js';
import type { Route } from '../contract/route.js';
import { coreErrors } from '../errors/core-errors.js';
import { describeError } from '../errors/describe-error.js';
import { isOperationError, type OperationError } from '../errors/operation-error.js';
import { newId } from '../ids.js';
import { createAnswerer } from './answer.js';
import { isPermitted, type Principal } from './authenticate.js';
import type { HttpRequest, HttpResponse } from './exchange.js';
import { idempotencyKeyOf, replayed } from './idempotency.js';
import { createInputReader } from './input.js';
import { addressKey, quotaExceeded, quotaHeaders, type Limiter } from './limit.js';
import type { Pipeline } from './pipeline.js';
import { respondProblem } from './respond.js';
import { verifyError } from './verify.js';

/** A request's way to its answer; never rejects. */
export type Handle = (request: HttpRequest) => Promise<HttpResponse>;

type Headers = Record<string, string>;

/**
 * THE way of a request: limit the address, authenticate, limit the principal, permit, parse, scope, run, respond.
 * This file alone knows the order.
 */
export function handleRoute<Scope>(route: Route<Scope>, pipeline: Pipeline<Scope>): Handle {
  const { bodyLimitBytes, idempotently, verify, scope } = pipeline;
  const readInput = createInputReader(route, bodyLimitBytes);
  const answer = createAnswerer(route, pipeline);
  if (route.permission === null)
    return answerErrors(route.path, pipeline, async (request, headers) => {
      await countAddress(request, pipeline, headers);
      const { input } = await readInput(request);
      return answer(pipeline.open as Scope, input, request);
    });
  const { permission } = route;
  return answerErrors(route.path, pipeline, async (request, headers) => {
    const principal = await admit(request, pipeline, headers);
    const permit = (needed: Permission): void => {
      if (!isPermitted(principal, needed)) throw coreErrors.PERMISSION_DENIED({ permission: needed });
    };
    permit(permission);
    const { sent, input } = await readInput(request);
    const scoped = scope({ tenantId: principal.tenantId, actor: principal.actorId });
    const also = await route.alsoNeeds?.(input, scoped);
    if (also) permit(also);
    const work = () =>
      answer(scoped, input, request).catch((error: unknown) => {
        if (verify) verifyError(route, error);
        throw error;
      });
    if (route.idempotent !== 'by its command')
      return route.idempotent && idempotently ? idempotently(route.name, request, principal, sent, work) : work();
    let isReplayed = false;
    input.once = { idempotencyKey: idempotencyKeyOf(request), onReplay: () => (isReplayed = true) };
    const response = await work();
    return isReplayed ? replayed(response) : response;
  });
}

/** A GET that is open to anybody: it shows nothing of a tenant. */
export interface OpenRoute {
  path: string;
  /** Count it against the address's limit. */
  limited: boolean;
  answer(): HttpResponse | Promise<HttpResponse>;
}

/** The way of a request that needs no credentials. */
export function handleOpen<Scope>({ path, limited, answer }: OpenRoute, pipeline: Pipeline<Scope>): Handle {
  return answerErrors(path, pipeline, async (request, headers) => {
    if (limited) await countAddress(request, pipeline, headers);
    return answer();
  });
}

/** The answer to what no route takes: a path or a method that none has, or a request that the framework could not read. */
export function refuseAll<Scope>(
  pipeline: Pipeline<Scope>,
  refuse: (request: HttpRequest) => OperationError,
  besides: Headers = {},
): Handle {
  return answerErrors('unknown', pipeline, async (request, headers) => {
    await countAddress(request, pipeline, headers);
    Object.assign(headers, besides);
    throw refuse(request);
  });
}

async function admit<Scope>(request: HttpRequest, pipeline: Pipeline<Scope>, headers: Headers): Promise<Principal> {
  await countAddress(request, pipeline, headers);
  const principal = await pipeline.authenticate(request);
  if (!principal) throw coreErrors.UNAUTHENTICATED({});
  await count(pipeline.limitPrincipal, `${principal.tenantId}/${principal.actorId}`, headers);
  return principal;
}

const countAddress = <Scope>(
  request: HttpRequest,
  { limitAddress }: Pipeline<Scope>,
  headers: Headers,
): Promise<void> => count(limitAddress, addressKey(request.remoteAddress), headers);

async function count(limiter: Limiter | false, key: string, headers: Headers): Promise<void> {
  if (!limiter) return;
  const quota = await limiter(key);
  Object.assign(headers, quotaHeaders(quota));
  if (quota.exceeded) throw quotaExceeded(quota);
}

/** Turns what `work` throws into problem details, logs what nobody expected, and measures. */
function answerErrors<Scope>(
  name: string,
  { clock, logger, observe }: Pipeline<Scope>,
  work: (request: HttpRequest, headers: Headers) => Promise<HttpResponse>,
): Handle {
  return async (request) => {
    const started = clock.monotonic();
    const requestId = newId();
    const headers: Headers = { 'x-request-id': requestId };
    const response = await work(request, headers).then(
      (answer) => ({ ...answer, headers: Object.assign(headers, answer.headers) }),
      (error: unknown) => {
        const expected = isOperationError(error);
        const about = { requestId, method: request.method, route: name };
        if (!expected || error.kind === 'internal')
          logger.error({ ...about, ...describeError(error) }, 'request failed');
        else if (error.kind === 'unavailable')
          logger.warn(
            { ...about, code: error.code, ...(error.cause !== undefined && { cause: describeError(error.cause) }) },
            'something needed is unavailable',
          );
        return respondProblem(expected ? error : coreErrors.INTERNAL({}), requestId, headers);
      },
    );
    observe?.(name, request.method, response.status, (clock.monotonic() - started) / 1_000);
    return response;
  };
}
