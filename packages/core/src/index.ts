/** `@dotmac/core`: what every domain stands on. */
export { defineErrors } from './errors/define-errors.js';
export type { ErrorCatalogue, ErrorDefinition, ErrorExtras, ErrorFactory } from './errors/define-errors.js';
export { errorKinds } from './errors/kinds.js';
export type { ErrorKind } from './errors/kinds.js';
export { OperationError, isOperationError } from './errors/operation-error.js';
export type { InputIssue, OperationErrorInit } from './errors/operation-error.js';
export { coreErrors } from './errors/core-errors.js';
export { systemClock, sleepOn } from './clock.js';
export type { CancelTimer, Clock } from './clock.js';
export { newId } from './ids.js';
export { silentLogger } from './logger.js';
export type { Logger } from './logger.js';
export { scopeIdentity } from './scope.js';
export type { ScopeIdentity, ScopeInit } from './scope.js';
export type { Module, Readiness } from './module.js';
export { warnIfSlow } from './hooks/hooks.js';
export type { CommandHooks, HookContext, HookPhase, Hooks } from './hooks/hooks.js';
