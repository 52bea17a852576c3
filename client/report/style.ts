/** The looks of a report. Every pair of ink and ground has a contrast of at least 4.5 in both modes; nothing moves. */
export const STYLE = `
:root {
  color-scheme: light dark;
  --ground: #fbfaf8; --card: #ffffff; --ink: #1c2126; --quiet: #55606b; --rule: #b9c0c7; --faint: #e6e8ea;
  --dispatcher: #7a4fb5; --batch: #2a6db0; --combiner: #b0541a; --wrong: #a8262c;
  --focus: #1756a9; --shade-1: #d3e3f3; --shade-2: #a9c8e6; --shade-3: #7aa9d6; --shade-4: #4d8ac2; --shade-5: #2a6ba6; --shade-6: #0f4a80;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #14171a; --card: #1c2024; --ink: #e9ecef; --quiet: #a5afb8; --rule: #4a525a; --faint: #2a2f34;
    --dispatcher: #c2a4f2; --batch: #78b2f0; --combiner: #f1a46c; --wrong: #ff9a96;
    --focus: #9cc7ff; --shade-1: #1d3550; --shade-2: #254b75; --shade-3: #32669c; --shade-4: #4a86c4; --shade-5: #78b0e8; --shade-6: #b9dbff;
  }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--ink); font: 16px/1.5 system-ui, 'Segoe UI', Roboto, 'DejaVu Sans', sans-serif; }
main, header { max-width: 1224px; margin: 0 auto; padding: 0 32px; }
main { padding-bottom: 64px; }
header { padding-top: 32px; }
h1 { font-size: 1.75rem; line-height: 1.2; margin: 0 0 8px; }
h2 { font-size: 1.25rem; margin: 48px 0 12px; }
h3 { font-size: 1rem; margin: 28px 0 10px; }
p { margin: 0 0 12px; max-width: 75ch; }
a { color: var(--focus); }
:focus-visible { outline: 3px solid var(--focus); outline-offset: 2px; }
.skip { position: absolute; left: -9999px; }
.skip:focus { position: static; }
.quiet { color: var(--quiet); }
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(200px, 1fr)); gap: 12px; margin: 24px 0 0; }
.figures > div { background: var(--card); border: 1px solid var(--faint); border-radius: 8px; padding: 12px 16px; }
.figures dt { color: var(--quiet); font-size: .875rem; }
.figures dd { margin: 0; font-size: 1.375rem; font-weight: 600; font-variant-numeric: tabular-nums; }
.figures.small { margin: 0 0 16px; } .figures.small > div { padding: 6px 16px; } .figures.small dd { font-size: 1.125rem; }
.status { border: 2px solid; border-radius: 4px; padding: 1px 8px; margin-right: 8px; } .status.bad { color: var(--wrong); }
.reason { border-left: 4px solid var(--wrong); padding-left: 12px; } .reason, .message { overflow-wrap: anywhere; white-space: pre-line; }
.message { display: block; min-width: 240px; max-width: 560px; }
nav ul { display: flex; flex-wrap: wrap; gap: 4px 20px; list-style: none; margin: 12px 0 0; padding: 0; }
.scroll { overflow-x: auto; }
.chart { background: var(--card); border: 1px solid var(--faint); border-radius: 8px; padding: 16px; }
.chart svg { display: block; width: 100%; min-width: 760px; height: auto; }
.key { display: flex; flex-wrap: wrap; gap: 4px 24px; list-style: none; margin: 12px 0; padding: 0; font-size: .875rem; }
.key i { display: inline-block; width: 20px; height: 10px; margin-right: 8px; border: 2px solid; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: .875rem; }
caption { white-space: nowrap; text-align: left; color: var(--quiet); padding: 8px 0; }
th, td { text-align: right; padding: 4px 24px 4px 0; border-bottom: 1px solid var(--faint); font-weight: inherit; }
th:first-child, .outcome { text-align: left; }
td, th { vertical-align: top; }
[data-kind=sum] { font-weight: 600; }
thead th { color: var(--quiet); }
summary { cursor: pointer; padding: 8px 0; }
@media (max-width: 600px) { main, header { padding-left: 16px; padding-right: 16px; } }
@media print { .chart, table { break-inside: avoid; } }
`;
