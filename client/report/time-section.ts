import { bandsOf, Bands, SHADES } from './bands';
import { shadeName, timelineSvg } from './charts';
import { counted, duration, grouped, Html, html } from './html';
import { Bar, dispatcherRows, Rows, rowsOf, withCombiner } from './lanes';
import { concurrency, cumulated, endsOf, startsOf, thinned } from './series';
import { Column, disclosed, table } from './tables';
import type { JobTimeline } from '../jobs/timeline';

/** Up to so many batches are drawn one by one. */
export const MOST_BARS = 500;
/** Rows of the table of a curve. */
const CURVE_ROWS = 20;

/** The picture of when what ran, how to read it, and its figures as tables. */
export function timelineSection(timeline: JobTimeline, batchCount: number, wallMs: number): Html {
  // a worker may outlive its job
  const endMs = timeline.batches.reduce((so, { startMs, durationMs }) => Math.max(so, startMs + durationMs), wallMs);
  const isDense = timeline.batches.length > MOST_BARS;
  const { perRow, ...dispatchers } = dispatcherRows(timeline);
  const rows = isDense ? withCombiner(dispatchers, timeline) : rowsOf(timeline);
  // after a redrive, dispatchers have batches from anywhere
  const leaves = timeline.takenOver > 0 ? undefined : 1 + (timeline.dispatchers[timeline.dispatchers.length - 1]?.leaf ?? 0);
  const bands = isDense ? bandsOf(timeline.batches, batchCount, leaves, endMs) : undefined;
  const label = `Chart: ${counted(timeline.dispatchers.length, 'dispatcher')}, ${counted(timeline.batches.length, 'batch', 'batches')}`
    + `${timeline.combine ? ' and the combiner' : ''} over time. The tables below have the same figures.`;
  return html`<section aria-labelledby="timeline">
<h2 id="timeline">Time-line</h2>
<p>${timeline.dispatchers.length > 0 ? 'A dispatcher calls workers and waits for what they return; when all batches are done, the combiner makes one answer of them.' : ''}
${bands ? bandText(bands) : 'Each row of workers is a place that one after the other takes.'}
${perRow > 1 ? `A bar of dispatchers stands for up to ${perRow}, from the first start to the last end.` : ''}
The last call of a batch, which counts, is shown; calls before it are not.</p>
<div class="chart">
<div class="scroll" tabindex="0" role="region" aria-label="Chart of the time-line">
<div role="img" aria-label="${label}">
${new Html(timelineSvg(timeline, endMs, rows, bands))}</div>
</div>
${key(rows, bands)}
</div>
${disclosed('The curves as a table', curveTable(timeline, endMs))}
${disclosed('Who ran when as a table', barTable(rows, bands))}
</section>`;
}

function bandText({ bands, sliceMs }: Bands): string {
  const size = bands.reduce((so, { first, end }) => Math.max(so, end - first), 0);
  return `There are too many batches to draw each: a row stands for up to ${counted(size, 'batch', 'batches')} with consecutive numbers, a shade for how many of them were `
    + `running on average in ${duration(sliceMs)}.`;
}

function key({ bars }: Rows, bands: Bands | undefined): Html {
  const swatch = (color: string, text: string, isHollow = false) =>
    html`<li><i style="${isHollow ? '' : `background: var(--${color}); `}border-color: var(--${color})"></i>${text}</li>`;
  const has = (kind: Bar['kind']) => bars.some((bar) => bar.kind === kind);
  const failed = bands ? bands.bands.some((band) => band.failed > 0) : bars.some((bar) => bar.failed);
  return html`<ul class="key">
${has('dispatcher') ? swatch('dispatcher', 'dispatcher, thin bars on top') : ''}
${bands
  ? Array.from({ length: SHADES }, (_, i) => swatch(`shade-${i + 1}`, `${shadeName(bands, i + 1)}${i === SHADES - 1 ? ' running' : ''}`))
  : has('batch') ? swatch('batch', 'worker on one batch') : ''}
${failed ? swatch('wrong', bands ? 'failed batches, hollow' : 'failed batch, hollow', true) : ''}
${has('combiner') ? swatch('combiner', 'combiner, last row') : ''}
</ul>`;
}

function curveTable({ batches }: JobTimeline, endMs: number): Html {
  const end = Math.max(1, endMs);
  const points = (steps: readonly (readonly [number, number])[]) => steps.map(([, count]) => count);
  const started = points(cumulated(startsOf(batches), end, CURVE_ROWS));
  const finished = points(cumulated(endsOf(batches), end, CURVE_ROWS));
  const steps = concurrency(batches);
  const padding = new Array(Math.max(0, CURVE_ROWS + 1 - steps.length)).fill([end, 0]); // so that it is thinned in any case
  const running = points(thinned([...steps, ...padding], end, CURVE_ROWS));
  const columns: Column[] = ['Until', 'Most workers running since the row before', 'Batches started', 'Batches finished'].map((name) => ({ name }));
  return table({ id: 'curve-table', caption: 'At even times since the start of the job', columns }, running.map((most, i) =>
    [duration(((i + 1) * end) / CURVE_ROWS), grouped(most), grouped(started[i + 1]), grouped(finished[i + 1])]));
}

function barTable({ bars }: Rows, bands?: Bands): Html {
  const columns: Column[] = [
    { name: 'What ran' }, { name: 'Start' }, { name: 'Took' }, { name: 'Attempts' }, { name: 'Outcome', isText: true },
    ...bands ? ['Batches', 'Failed', 'Tried again', 'Worker time'].map((name) => ({ name })) : [],
  ];
  const ofBar = ({ kind, name, startMs, endMs, attempts, failed }: Bar) =>
    ({ kind, cells: [name, startMs, endMs - startMs, attempts, failed ? 'failed' : 'done', ...bands ? ['', '', '', ''] : []] });
  const ofBands = bands?.bands.map(({ first, end, ran, failed, retried, startMs, endMs, workerMs }) => ({
    kind: 'band',
    cells: [`batches ${first}–${end - 1}`, ...ran > 0 ? [startMs, endMs - startMs] : ['', ''], '', ran === 0 ? 'did not run' : failed > 0 ? 'some failed' : 'done', ran, failed, retried, workerMs],
  })) ?? [];
  const combiner = bars.filter(({ kind }) => kind === 'combiner').map(ofBar);
  const rows = [...bars.filter(({ kind }) => kind !== 'combiner').map(ofBar), ...ofBands, ...combiner];
  return table({ id: 'timeline-table', caption: 'Milliseconds since the start of the job', columns }, rows.map(({ cells }) => cells), rows.map(({ kind }) => kind));
}
