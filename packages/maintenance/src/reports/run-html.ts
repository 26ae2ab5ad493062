import type { MaintenanceRun } from '../runs/schemas.js';
import { figure, html, lasting, page, sizeOf, when, type Markup } from './html.js';

const deepest = 6;
const mostRows = 1_000;

/** The report of one run as a page. */
export function runHtml(run: MaintenanceRun): string {
  const title = `${run.taskName}: ${run.dryRun ? 'dry run, ' : ''}${run.status}`;
  return page(
    title,
    html`<h1>${run.taskName} <span class="${toneOf(run.status)}">${run.status.replaceAll('_', ' ')}</span></h1>
      <p class="soft">
        ${run.dryRun ? 'A dry run: nothing was changed. ' : ''}Run ${run.taskId}, begun ${when(run.startTime)} by
        ${run.actor} (${run.schedule ?? run.trigger})
      </p>
      ${run.errorMessage === null ? '' : html`<p class="${toneOf(run.status)}">${run.errorMessage}</p>`}
      <div class="cards">
        ${card('Took', lasting(run.durationSeconds))} ${card('Looked at', figure(run.itemsProcessed))}
        ${card('Cleaned', figure(run.itemsCleaned))} ${card('Returned to the system', sizeOf(run.spaceFreedMb))}
        ${card('Free for reuse', sizeOf(run.spaceReusableMb))}
        ${card('Estimated, not measured', sizeOf(run.spaceEstimatedMb))}
        ${card('Ended because', (run.stopReason ?? 'still running').replaceAll('_', ' '))}
      </div>
      ${waits(run.progress?.pauses ?? [])} ${section('Details', run.details)} ${section('Parameters', run.parameters)}
      ${
        run.log.length === 0
          ? ''
          : html`<h2>Log</h2>
              <div class="stack">
                <table>
                  <tbody>
                    ${run.log.map(
                      ({ at, message }) =>
                        html`<tr>
                          <td class="when soft">${when(at)}</td>
                          <td>${message}</td>
                        </tr>`,
                    )}
                  </tbody>
                </table>
              </div>`
      }`,
  );
}

/** A figure with what it is. */
export const card = (name: string, value: string): Markup =>
  html`<div class="card"><span class="soft">${name}</span><b>${value}</b></div>`;

/** Which colour a state has. */
export function toneOf(status: string): string {
  if (status === 'failed') return 'bad';
  return status === 'completed' ? 'good' : 'warn';
}

function section(name: string, value: Record<string, unknown>): Markup | string {
  return Object.keys(value).length === 0
    ? ''
    : html`<h2>${name}</h2>
        <div class="scroll">${shown(value, 0)}</div>`;
}

const waits = (pauses: readonly Record<string, unknown>[]): Markup | string =>
  pauses.length === 0
    ? ''
    : html`<h2>Waited for</h2>
        ${list(pauses, 0)}`;

const words = (key: string): string => key.replaceAll('_', ' ');

/** Anything that JSON can hold: lists of things alike as tables, others by name. */
function shown(value: unknown, depth: number): Markup | string {
  if (value === null || value === undefined) return '–';
  if (typeof value === 'number') return figure(value);
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  if (typeof value !== 'object') return html`${value}`;
  if (depth >= deepest) return html`${JSON.stringify(value)}`;
  if (Array.isArray(value)) return list(value, depth);
  const entries = Object.entries(value);
  if (entries.length === 0) return '–';
  return html`<table>
    <tbody>
      ${entries.map(
        ([key, it]) =>
          html`<tr>
            <th>${words(key)}</th>
            <td>${shown(it, depth + 1)}</td>
          </tr>`,
      )}
    </tbody>
  </table>`;
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function list(values: readonly unknown[], depth: number): Markup | string {
  if (values.length === 0) return 'none';
  const some = values.slice(0, mostRows);
  const more = values.length > mostRows ? html`<p class="soft">and ${figure(values.length - mostRows)} more</p>` : '';
  const records = some.filter(isRecord);
  if (records.length < some.length) return html`${some.map((it) => html`<div>${shown(it, depth + 1)}</div>`)}${more}`;
  const columns = [...new Set(records.flatMap((it) => Object.keys(it)))];
  // Wide things are easier read one below the other.
  if (columns.length > 8 || records.length === 1) return html`${records.map((it) => shown(it, depth + 1))}${more}`;
  const isNumber = (column: string): boolean => records.every((it) => typeof it[column] === 'number');
  const style = (column: string): string => (isNumber(column) ? 'number' : '');
  return html`<div class="scroll">
      <table>
        <thead>
          <tr>
            ${columns.map((it) => html`<th class="${style(it)}">${words(it)}</th>`)}
          </tr>
        </thead>
        <tbody>
          ${records.map(
            (row) =>
              html`<tr>
                ${columns.map((it) => html`<td class="${style(it)}">${shown(row[it], depth + 1)}</td>`)}
              </tr>`,
          )}
        </tbody>
      </table>
    </div>
    ${more}`;
}
