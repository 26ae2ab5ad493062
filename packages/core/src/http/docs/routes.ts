import { openApiDocument, type DocumentInfo } from '../../contract/openapi.js';
import type { Route } from '../../contract/route.js';
import type { HttpResponse } from '../exchange.js';
import type { OpenRoute } from '../handle.js';
import { readAsset } from './assets.js';
import { page, script } from './page.js';

export type { DocumentInfo } from '../../contract/openapi.js';

// Swagger UI sets styles by element; scripts come from here alone, and nothing is asked of any other host.
const contentSecurityPolicy =
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/** `/openapi.json`, and `/docs` to read it with: Swagger UI, served from this package, so that it works offline. */
export function documentRoutes(
  routes: readonly Route<never>[],
  info: DocumentInfo | undefined,
  idempotency: boolean,
): OpenRoute[] {
  let document: string | undefined;
  const get = (path: string, type: string, body: () => string | Promise<string | Uint8Array>): OpenRoute => ({
    path,
    limited: true,
    answer: async (): Promise<HttpResponse> => ({ status: 200, headers: headersOf(type), body: await body() }),
  });
  return [
    get(
      '/openapi.json',
      'application/json',
      () => (document ??= JSON.stringify(openApiDocument(routes, info, idempotency))),
    ),
    get('/docs', 'text/html', () => page(info?.title ?? 'Operations API')),
    get('/docs/init.js', 'text/javascript', () => script),
    get('/docs/swagger-ui-bundle.js', 'text/javascript', () => readAsset('swagger-ui-bundle.js')),
    get('/docs/swagger-ui.css', 'text/css', () => readAsset('swagger-ui.css')),
  ];
}

function headersOf(type: string): Record<string, string> {
  return {
    'content-type': `${type}; charset=utf-8`,
    'content-security-policy': contentSecurityPolicy,
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
  };
}
