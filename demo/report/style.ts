/** Looks of the pictures, beside those of any report. */
export const PICTURE_STYLE = `
:root { --right: #1b6a3b; --wrong-ground: #fdf1f0; --picture: invert(1); }
@media (prefers-color-scheme: dark) { :root { --right: #7fdaa2; --wrong-ground: #2b1d1e; --picture: none; } }
.queries { display: grid; grid-template-columns: repeat(auto-fill, minmax(var(--card-width), 1fr)); gap: 12px; list-style: none; margin: 0; padding: 0; }
.query { display: flex; flex-wrap: wrap; gap: 8px 12px; align-items: flex-start; scroll-margin-top: 16px; background: var(--card); border: 1px solid var(--faint); border-radius: 8px; padding: 12px 16px; }
.query.wrong { border: 2px dashed var(--wrong); background: var(--wrong-ground); padding: 11px 15px; }
.query img { display: block; filter: var(--picture); image-rendering: pixelated; border-radius: 2px; }
figure { margin: 0; display: flex; gap: 12px; width: 172px; }
figcaption { font-size: .8125rem; line-height: 1.45; }
.verdict { font-weight: 600; white-space: nowrap; }
.right .verdict { color: var(--right); }
.wrong .verdict { color: var(--wrong); }
.neighbours { flex: 1; display: flex; flex-wrap: wrap; gap: 8px; list-style: none; margin: 0; padding: 0; }
.neighbours li { width: 62px; font-size: .75rem; line-height: 1.35; font-variant-numeric: tabular-nums; }
.neighbours b { display: block; font-size: .8125rem; margin-top: 4px; }
.neighbours .other b { color: var(--wrong); text-decoration: underline dotted; }
@media (max-width: 600px) { .queries { grid-template-columns: 1fr; } }
@media print { .query { break-inside: avoid; } }
`;
