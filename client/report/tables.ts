import { Html, html } from './html';

export interface Column {
  readonly name: string;
  /** Words, not figures. */
  readonly isText?: boolean;
}

export interface TableHead {
  readonly id: string;
  readonly caption: string;
  readonly columns: readonly Column[];
}

/** A table in a part of the page that scrolls by itself; the first cell of a row is its head. */
export function table({ id, caption, columns }: TableHead, rows: readonly (readonly (string | number | Html)[])[], kinds?: readonly string[]): Html {
  const mark = (i: number) => new Html(columns[i].isText ? ' class="outcome"' : '');
  return html`<div class="scroll" tabindex="0" role="region" aria-label="Table: ${caption}">
<table id="${id}">
<caption>${caption}</caption>
<thead><tr>${columns.map(({ name }, i) => html`<th scope="col"${mark(i)}>${name}</th>`)}</tr></thead>
<tbody>
${rows.map(([first, ...cells], row) => html`<tr${kinds ? new Html(` data-kind="${kinds[row]}"`) : ''}><th scope="row">${first}</th>${
  new Html(cells.map((cell, i) => html`<td${mark(i + 1)}>${cell}</td>`.text).join(''))}</tr>`)}
</tbody>
</table>
</div>`;
}

/** What is only shown when asked for. */
export function disclosed(summary: string, content: Html): Html {
  return html`<details>
<summary>${summary}</summary>
${content}
</details>`;
}
