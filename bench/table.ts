/** A table of a document and of the terminal alike. */
export interface Table {
  readonly title: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
  /** Below the table: what it says. */
  readonly notes?: readonly string[];
}

export function markdown({ title, columns, rows, notes = [] }: Table): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [`**${title}**`, '', line(columns), line(columns.map((_, i) => (i === 0 ? '---' : '---:'))), ...rows.map(line), ...notes.flatMap((note) => ['', note])].join('\n');
}

/** Three significant digits, thousands apart. */
export function figure(value: number): string {
  if (!Number.isFinite(value)) return '-';
  if (value !== 0 && Math.abs(value) < 0.001) return value.toExponential(1);
  const digits = Math.max(0, 2 - Math.floor(Math.log10(Math.max(Math.abs(value), 0.001))));
  return Number(value.toFixed(digits)).toLocaleString('en-GB', { maximumFractionDigits: digits });
}

export function count(value: number): string {
  return value.toLocaleString('en-GB');
}
