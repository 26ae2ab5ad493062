/** `@dotmac/core/http`: a module served in plain data; what adapters and hosts need. */
export { createApi } from './api.js';
export type { Api, ApiOptions, ApiRoute, ServedModule } from './api.js';
export { apiKeyAuthenticator, bearerToken, hashApiKey } from './authenticate.js';
export type { ApiKeyRecord, Authenticate, Principal } from './authenticate.js';
export { jwtAuthenticator } from './jwt.js';
export type { JwtOptions } from './jwt.js';
export type { LimitClient, RateLimit } from './limit.js';
export type { HttpRequest, HttpResponse } from './exchange.js';
export type { Handle } from './handle.js';
export { respondProblem } from './respond.js';
export type { IdempotencyBegin, IdempotencyState, IdempotencyStore, KeptAnswer } from './idempotency-store.js';
export { openApiDocument } from '../contract/openapi.js';
export type { DocumentInfo } from '../contract/openapi.js';
export { importing, refusalOf, type ImportMany } from './importing.js';
