/** `@dotmac/core/contract`: what a route is made of. Free of server code, so that a browser bundle can import it. */
export { openRouteFor, routeFor, routesWithin, streamRouteFor, permissions } from './route.js';
export type {
  Route,
  RouteInit,
  RouteInput,
  OpenRouteInit,
  StreamRouteInit,
  StreamInput,
  LineResult,
  OnceAsked,
  DeferredAnswer,
  Permission,
  Method,
} from './route.js';
export { instant, id, message, freeForm, postUrl, printable } from './formats.js';
export { wireJsonSchema } from './json-schema.js';
export { importedLine } from './imported-line.js';
export type { ImportedLine } from './imported-line.js';
export { issueMessage } from './issue-message.js';
export { readDraft } from './read-draft.js';
export { wireOf, wireName, invalidInput } from './wire.js';
export type { Wire, WireResult } from './wire.js';
export { idPageQuery, page, pageAfter, pageQuery, pageQueryOf, parkedPageQuery } from './page.js';
export type { Page } from './page.js';
export { problemOf, problemSchema, statusOf } from './problem.js';
export type { Problem } from './problem.js';
