import { newId } from '@dotmac/core';
import { idPageQuery, invalidInput, pageAfter, readDraft, type Page } from '@dotmac/core/contract';
import type { HealthContext } from '../context.js';
import { faultsOfNamed } from '../endpoints/named.js';
import { healthErrors } from '../errors.js';
import { faultsOfTiming, nextStart, spanAt } from './recurrence.js';
import {
  shownWindow,
  windowChanges,
  windowInput,
  written,
  type MaintenanceWindow,
  type WindowChanges,
  type WindowDraft,
  type WindowRecord,
} from './window.js';

/** One tenant's maintenance windows. */
export interface WindowService {
  /** @throws INVALID_INPUT, WINDOW_LIMIT_REACHED */
  create(draft: WindowDraft): Promise<MaintenanceWindow>;
  /** @throws WINDOW_NOT_FOUND */
  get(windowId: string): Promise<MaintenanceWindow>;
  /** In the order of their making. */
  list(ask?: { limit?: number; cursor?: string | undefined }): Promise<Page<MaintenanceWindow>>;
  /** @throws WINDOW_NOT_FOUND, INVALID_INPUT */
  update(windowId: string, changes: WindowChanges): Promise<MaintenanceWindow>;
  /** @throws WINDOW_NOT_FOUND */
  remove(windowId: string): Promise<{ message: string }>;
}

/** As many as are looked through for every alert. */
const mostWindows = 200;

/** The windows of one scope. */
export function windowService({ store, directory, calendar, clock }: HealthContext, tenantId: string): WindowService {
  const { windows } = store.tenant(tenantId);
  const show = (window: WindowRecord): MaintenanceWindow => {
    const now = clock.now();
    return shownWindow(window, { active: spanAt(window, now), next: nextStart(window, now) });
  };
  const find = async (windowId: string): Promise<WindowRecord> => {
    const found = await windows.get(windowId);
    if (!found) throw healthErrors.WINDOW_NOT_FOUND({ windowId });
    return found;
  };
  const check = (window: WindowRecord, before?: WindowRecord): void => {
    const path = (index: number): string => `endpoint_ids.${index}`;
    const named = { tenantId, directory, known: before?.endpointIds, path };
    const issues = [...faultsOfTiming(window, clock.now()), ...faultsOfNamed(window.endpointIds, named)];
    if (issues.length > 0) throw invalidInput(issues);
  };
  return {
    async create(draft) {
      const now = clock.now();
      const window = {
        ...readDraft(windowInput, written(draft)),
        id: newId(),
        tenantId,
        createdAt: now,
        updatedAt: now,
      };
      check(window);
      if (!(await windows.insertWithin(mostWindows, window)))
        throw healthErrors.WINDOW_LIMIT_REACHED({ limit: mostWindows });
      calendar.forget(tenantId);
      return show(window);
    },
    get: async (windowId) => show(await find(windowId)),
    async list({ limit = 50, cursor } = {}) {
      const { items, nextCursor } = await windows.list({ limit, after: pageAfter(idPageQuery, cursor) });
      return { items: items.map(show), nextCursor };
    },
    async update(windowId, changes) {
      const given = Object.entries(readDraft(windowChanges, written(changes))).filter(
        ([, value]) => value !== undefined,
      );
      const window = await windows.change(windowId, (known) => {
        if (!known) throw healthErrors.WINDOW_NOT_FOUND({ windowId });
        const changed = { ...known, ...(Object.fromEntries(given) as Partial<WindowRecord>), updatedAt: clock.now() };
        check(changed, known);
        return changed;
      });
      calendar.forget(tenantId);
      return show(window);
    },
    async remove(windowId) {
      const { name } = await find(windowId);
      if (!(await windows.remove(windowId))) throw healthErrors.WINDOW_NOT_FOUND({ windowId });
      calendar.forget(tenantId);
      return { message: `Window ${name} was removed.` };
    },
  };
}
