const columns = ['metric', 'value', 'unit', 'peer', 'ratio', 'target', 'met'];
const text = (value) =>
  typeof value === 'number'
    ? value.toLocaleString('en', { maximumFractionDigits: 2 })
    : value === null
      ? ''
      : String(value);

/** Figures as a Markdown table. */
export function formatTable(figures) {
  const rows = [columns, ...figures.map((figure) => columns.map((column) => text(figure[column] ?? null)))];
  const widths = columns.map((_, index) => Math.max(...rows.map((row) => row[index].length)));
  const line = (row) => `| ${row.map((cell, index) => cell.padEnd(widths[index])).join(' | ')} |`;
  return [line(rows[0]), line(widths.map((width) => '-'.repeat(width))), ...rows.slice(1).map(line)].join('\n');
}
