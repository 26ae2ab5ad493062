import { noSpace } from '../tasks/space.js';
import { newId } from '@dotmac/core';
import { wireOf } from '@dotmac/core/contract';
import type { Controls } from '../tasks/controls.js';
import { scopeOf } from '../tasks/task.js';
import { askedIn } from './confirmed.js';
import type { ScopeIds } from './lease-keys.js';
import type { Run } from './run.js';
import type { RunRequest } from './request.js';

/** A run as it begins. */
export function newRun(request: RunRequest, scopeIds: ScopeIds, now: number): Run {
  const { id = newId(), identity, task, parameters, trigger, schedule, resumes, plan, confirmed } = request;
  const { dryRun = false } = parameters as Controls;
  return {
    id,
    tenantId: identity.tenantId,
    task: task.type,
    scopeId: scopeIds[scopeOf(task, parameters)],
    trigger,
    schedule: schedule ?? null,
    actor: identity.actor,
    parameters: wireOf(task.parameters).render(parameters as never) as Run['parameters'],
    dryRun,
    planId: plan?.id ?? resumes?.planId ?? (dryRun ? newId() : null),
    asOf: plan?.asOf ?? resumes?.asOf ?? now,
    // What it asked for nobody has confirmed who only resumes it.
    confirmed: confirmed ?? (resumes !== undefined && resumes.confirmed && askedIn(resumes).length === 0),
    resumes: resumes?.id ?? null,
    resumedBy: null,
    status: 'running',
    stopReason: null,
    cancelRequestedAt: null,
    startedAt: now,
    endedAt: null,
    itemsProcessed: 0,
    itemsCleaned: 0,
    space: noSpace,
    errorCode: null,
    errorMessage: null,
    progress: null,
    cursors: resumes?.cursors ?? {},
    log: [],
    details: {},
  };
}
