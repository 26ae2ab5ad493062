import { headlineOf } from './digest.js';
import { figure, html, lasting, page, sizeOf, when, type Markup } from './html.js';
import { card, toneOf } from './run-html.js';
import type { Digest } from './schemas.js';

type TaskLine = Digest['tasks'][number];

/** Against the period before, in words; nothing when there is nothing to say. */
function change({ runs, runsBefore, itemsCleaned, itemsCleanedBefore }: TaskLine): string {
  if (runs === 0) return `did not run; ${runsBefore === 1 ? 'once' : `${figure(runsBefore)} times`} before`;
  if (runsBefore === 0) return 'new';
  if (itemsCleanedBefore === 0) return itemsCleaned === 0 ? 'as before' : 'nothing before';
  const percent = Math.round((itemsCleaned / itemsCleanedBefore - 1) * 100);
  return percent === 0 ? 'as before' : `${percent > 0 ? '+' : '−'}${figure(Math.abs(percent))} %`;
}

/** A digest as a page, or the body of a mail. */
export function digestHtml(digest: Digest): string {
  const { tasks, attention } = digest;
  return page(
    headlineOf(digest),
    html`<h1>${headlineOf(digest)}</h1>
      <p class="soft">${when(digest.from)} to ${when(digest.to)}</p>
      <div class="cards">
        ${card('Runs', figure(digest.runs))} ${card('Failed', figure(digest.failed))}
        ${card('Items cleaned', figure(digest.itemsCleaned))}
        ${card('Returned to the system', sizeOf(digest.spaceFreedMb))}
        ${card('Free for reuse', sizeOf(digest.spaceReusableMb))}
      </div>
      ${
        attention.length === 0
          ? ''
          : html`<h2>To be looked at</h2>
              ${attention.map(
                (it) =>
                  html`<div class="item">
                    <p>
                      <b>${it.taskName}</b>
                      <span class="${toneOf(it.status)}">${it.status.replaceAll('_', ' ')}</span>
                      <span class="soft">${when(it.startTime)}</span>
                    </p>
                    <p>${it.errorMessage ?? it.code ?? ''}</p>
                  </div>`,
              )}`
      }
      ${
        tasks.length === 0
          ? ''
          : html`<h2>By task</h2>
              ${table(['task', '#runs', '#failed', '#items', '#returned', '#mean', '#longest', 'than before'], tasks.map(taskRow))}`
      }`,
  );
}

function taskRow(it: TaskLine): Markup {
  const cells = [figure(it.itemsCleaned), sizeOf(it.spaceFreedMb), lasting(it.meanSeconds), lasting(it.longestSeconds)];
  return html`<tr>
    <td>${it.task}</td>
    <td class="number">${figure(it.runs)}</td>
    <td class="number ${it.failed > 0 ? 'bad' : ''}">${figure(it.failed)}</td>
    ${cells.map((cell) => html`<td class="number">${cell}</td>`)}
    <td class="soft">${change(it)}</td>
  </tr>`;
}

/** A column's name that begins with # is one of numbers. */
function table(columns: readonly string[], rows: readonly Markup[]): Markup {
  return html`<div class="scroll">
    <table>
      <thead>
        <tr>
          ${columns.map((it) => html`<th class="${it.startsWith('#') ? 'number' : ''}">${it.replace('#', '')}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${rows}
      </tbody>
    </table>
  </div>`;
}

/** Nothing in a name or a message may forge a line of its own. */
// eslint-disable-next-line no-control-regex
const oneLine = (text: string): string => text.replace(/[\u0000-\u001f\u007f]+/g, ' ');

/** A digest as plain text. */
export function digestText(digest: Digest): string {
  const { tasks, attention } = digest;
  return [
    headlineOf(digest),
    `${when(digest.from)} to ${when(digest.to)}`,
    '',
    `${figure(digest.itemsCleaned)} items cleaned, ${sizeOf(digest.spaceFreedMb)} returned to the system, ${sizeOf(digest.spaceReusableMb)} free for reuse`,
    ...(attention.length === 0 ? [] : ['', 'To be looked at:']),
    ...attention.map(
      (it) =>
        `- ${when(it.startTime)}  ${it.taskName}  ${it.status.replaceAll('_', ' ')}: ${it.errorMessage ?? it.code ?? ''}`,
    ),
    ...(tasks.length === 0 ? [] : ['', 'By task:']),
    ...tasks.map(
      (it) =>
        `- ${it.task}: ${figure(it.runs)} runs, ${figure(it.failed)} failed, ${figure(it.itemsCleaned)} items, ${sizeOf(it.spaceFreedMb)}, ${lasting(it.meanSeconds)} on average (${change(it)})`,
    ),
  ]
    .map(oneLine)
    .join('\n')
    .concat('\n');
}
