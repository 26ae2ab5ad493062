/** Text that is HTML already. */
export class Markup {
  constructor(readonly text: string) {}
}

const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

/** Mean nothing in HTML, and trouble for those that read it. */
// eslint-disable-next-line no-control-regex
const controls = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/g;

function written(value: unknown): string {
  if (value instanceof Markup) return value.text;
  if (Array.isArray(value)) return value.map(written).join('');
  return String(value ?? '')
    .replace(controls, '\ufffd')
    .replace(/[&<>"']/g, (it) => entities[it] as string);
}

/** HTML whose values are escaped, all but {@link Markup} and lists of it. */
export function html(parts: TemplateStringsArray, ...values: readonly unknown[]): Markup {
  return new Markup(parts.map((part, index) => part + (index < values.length ? written(values[index]) : '')).join(''));
}

/** Works without scripts, links or fonts of elsewhere: in a browser, printed, and in a mail. */
const style = new Markup(`
:root { color-scheme: light dark; --text: #1d2733; --soft: #5b6b7b; --line: #d9e0e7; --back: #ffffff; --card: #f5f7f9; --bad: #b42318; --good: #1a7f4b; --warn: #96620a; }
@media (prefers-color-scheme: dark) { :root { --text: #e6ebf0; --soft: #9fb0c0; --line: #33404d; --back: #12181f; --card: #1b232c; --bad: #ff8a80; --good: #6fd6a0; --warn: #f0c060; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 60rem; padding: 1.5rem 1rem 3rem; background: var(--back); color: var(--text); font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; overflow-wrap: anywhere; }
h1 { font-size: 1.5rem; line-height: 1.25; margin: 0 0 .25rem; }
h2 { font-size: 1.05rem; margin: 2rem 0 .5rem; }
p { margin: .25rem 0; }
.soft { color: var(--soft); }
.bad { color: var(--bad); } .good { color: var(--good); } .warn { color: var(--warn); }
.cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(9rem, 1fr)); gap: .75rem; margin: 1.25rem 0; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: .5rem; padding: .6rem .8rem; }
.card b { display: block; font-size: 1.25rem; font-variant-numeric: tabular-nums; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: .92rem; }
th, td { text-align: left; vertical-align: top; padding: .35rem .9rem .35rem 0; border-bottom: 1px solid var(--line); }
th { color: var(--soft); font-weight: 600; white-space: nowrap; }
thead th { vertical-align: bottom; }
tbody th { width: 1%; }
.item { border-bottom: 1px solid var(--line); padding: .35rem 0; }
.stack td:last-child { width: 100%; }
@media (max-width: 40rem) { .stack td { display: block; border: 0; padding: 0; } .stack td:last-child { border-bottom: 1px solid var(--line); padding-bottom: .35rem; } }
.scroll td, .scroll th { overflow-wrap: normal; }
.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.when { white-space: nowrap; font-variant-numeric: tabular-nums; }
`);

/** A whole page. */
export function page(title: string, body: Markup): string {
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>${title}</title>
        <style>
          ${style}
        </style>
      </head>
      <body>
        ${body}
      </body>
    </html> `.text;
}

/** An instant for people, in UTC. */
export const when = (at: number): string => `${new Date(at).toISOString().slice(0, 19).replace('T', ' ')} UTC`;

/** A number with thousands apart. */
export const figure = (value: number): string => value.toLocaleString('en-US', { maximumFractionDigits: 3 });

/** Seconds as people say them. */
export function lasting(seconds: number | null): string {
  if (seconds === null) return '–';
  if (seconds < 60) return `${figure(Math.round(seconds * 100) / 100)} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** MiB as people say them. */
export function sizeOf(mib: number): string {
  if (mib === 0) return '0';
  if (mib < 1) return `${figure(Math.round(mib * 1_024))} KiB`;
  return mib < 1_024
    ? `${figure(Math.round(mib * 10) / 10)} MiB`
    : `${figure(Math.round((mib / 1_024) * 10) / 10)} GiB`;
}
