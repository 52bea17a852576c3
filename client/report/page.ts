import { histogramSvg } from './charts';
import type { ReportData } from './data';
import { callsPerBatch, Figures, figuresOf, top } from './figures';
import { Histogram, histogramOf } from './histogram';
import { counted, duration, grouped, Html, html, jsonBlock, money, page } from './html';
import { nameOf } from './lanes';
import { STYLE } from './style';
import { disclosed, table } from './tables';
import { timelineSection } from './time-section';
import type { TimedBatch } from '../jobs/timeline';

const TOP = 10;
const MOST_FAILURE_ROWS = 20;
const MESSAGE_CHARS = 400;

/**
 * The report as one HTML page that loads nothing and runs no script: below 2 MB, whatever the job's size. Texts of the job may be
 * anything. The figures are also there as JSON, in the element `report-data`.
 */
export function reportHtml(data: ReportData): string {
  const { status, timeline } = data;
  const figures = figuresOf(data);
  const histogram = histogramOf(timeline.batches);
  const hasRun = timeline.batches.length > 0;
  const links = [
    ['summary', 'Summary'], ...figures.failed > 0 ? [['failures', 'Failures']] : [], ...hasRun ? [['timeline', 'Time-line'], ['durations', 'Durations'], ['retries', 'Retries']] : [],
    ...status.cost ? [['cost', 'Cost']] : [],
  ];
  return page(`Job ${status.jobId}: ${status.status}`, STYLE, html`<header>
<h1>Job ${status.jobId}</h1>
<p><b class="status ${status.status === 'SUCCEEDED' ? '' : 'bad'}">${status.status}</b>
started ${timeline.startedAt.toISOString().slice(0, 19).replace('T', ' ')} UTC${status.epoch > 1 ? `, epoch ${status.epoch}` : ''}</p>
${status.reason ? html`<p class="reason"><b>${status.reason.code}</b> ${shortened(status.reason.message)}</p>` : ''}
${data.isLocal ? html`<p class="quiet">This job ran on a local AWS on one machine: its times say nothing about AWS.</p>` : ''}
${figures.takenOver > 0 ? html`<p class="quiet">${counted(figures.takenOver, 'result')} of earlier epochs were taken over; all times are of epoch ${status.epoch}.</p>` : ''}
<nav aria-label="Parts of the report"><ul>${links.map(([id, name]) => html`<li><a href="#${id}">${name}</a></li>`)}</ul></nav>
</header>
<main id="content">
${summary(figures)}
${figures.failed > 0 ? failureSection(data, figures) : ''}
${hasRun ? html`${timelineSection(timeline, status.batchCount, figures.wallMs)}
${momentsTable(data, figures)}
${durationSection(timeline.batches, histogram, figures)}
${retrySection(timeline.batches, figures)}` : html`<p>No batch has run.</p>`}
${status.cost ? costSection(data) : ''}
</main>
${jsonBlock('report-data', { jobId: status.jobId, status: status.status, epoch: status.epoch, reason: status.reason, figures, histogram })}`);
}

function summary(figures: Figures): Html {
  const { batches, failed, missing, retried, wallMs, workerMs, speedUp, peak, slots, dispatchers, dollars } = figures;
  const shown: [name: keyof Figures, title: string, text: string][] = [
    ['batches', 'batches', grouped(batches)],
    ['failed', 'failed batches', grouped(failed)],
    ...missing > 0 ? [['missing', 'batches without an end', grouped(missing)] as [keyof Figures, string, string]] : [],
    ['retried', 'batches tried again', grouped(retried)],
    ['dispatchers', 'dispatchers', grouped(dispatchers)],
    ['wallMs', 'from start to end', duration(wallMs)],
    ['workerMs', 'worker time in all', duration(workerMs)],
    ['speedUp', 'speed-up by parallel workers', `${speedUp < 100 ? speedUp.toFixed(1) : grouped(Math.round(speedUp))} ×`],
    ['peak', `most workers at once${slots > 0 ? `, of ${grouped(slots)} planned` : ''}`, grouped(peak)],
    ...dollars === undefined ? [] : [['dollars', 'cost, by the price sheet', money(dollars)] as [keyof Figures, string, string]],
  ];
  return html`<section aria-labelledby="summary">
<h2 id="summary">Summary</h2>
<dl class="figures">${shown.map(([name, title, text]) => html`<div><dt>${title}</dt><dd data-figure="${name}" data-value="${figures[name]}">${text}</dd></div>`)}</dl>
</section>`;
}

function momentsTable({ timeline }: ReportData, { firstStartMs, lastStartMs, lastEndMs, rampMs, wallMs }: Figures): Html {
  const firstDispatcher = timeline.dispatchers.reduce((so, { startMs }) => Math.min(so, startMs), Infinity);
  const rows: [string, number | undefined][] = [
    ['first dispatcher starts', timeline.dispatchers.length > 0 ? firstDispatcher : undefined],
    ['first worker starts', firstStartMs],
    ['nine tenths of the most workers at once are running', firstStartMs === undefined || rampMs === undefined ? undefined : firstStartMs + rampMs],
    ['last worker starts', lastStartMs],
    ['last worker ends', lastEndMs],
    ['combiner starts', timeline.combine?.startMs],
    ['combiner ends', timeline.combine?.endMs],
    ['job ends', wallMs],
  ];
  const known = rows.filter((row): row is [string, number] => row[1] !== undefined);
  return table({ id: 'moments-table', caption: 'Since the start of the job', columns: [{ name: 'Moment' }, { name: 'After' }] }, known.map(([name, ms]) => [name, duration(ms)]));
}

function durationSection(batches: readonly TimedBatch[], histogram: Histogram, figures: Figures): Html {
  const { p50Ms, p95Ms, p99Ms, maxMs, stragglers } = figures;
  const slowest = top(batches, TOP, (a, b) => b.durationMs - a.durationMs || a.batchId - b.batchId);
  const percentiles = [['p50', p50Ms], ['p95', p95Ms], ['p99', p99Ms]] as const;
  const label = `Chart: how many batches took how long; half of them up to ${duration(p50Ms)}, 95 % up to ${duration(p95Ms)}, 99 % up to ${duration(p99Ms)}, all up to ${duration(maxMs)}. `
    + 'The table below has the same figures.';
  const bins = histogram.succeeded.map((count, i) => [`${duration(histogram.edges[i])} to ${duration(histogram.edges[i + 1])}`, grouped(count), grouped(histogram.failed[i])]);
  return html`<section aria-labelledby="durations">
<h2 id="durations">Durations of batches</h2>
<dl class="figures small">${[...percentiles, ['longest', maxMs] as const].map(([name, ms]) => html`<div><dt>${name}</dt><dd data-figure="${name === 'longest' ? 'maxMs' : `${name}Ms`}" data-value="${ms}">${duration(ms)}</dd></div>`)}</dl>
<div class="chart">
<div class="scroll" tabindex="0" role="region" aria-label="Chart of durations">
<div role="img" aria-label="${label}">
${new Html(histogramSvg(histogram, percentiles))}</div>
</div>
${figures.failed > 0 ? html`<ul class="key"><li><i style="background: var(--batch); border-color: var(--batch)"></i>succeeded</li><li><i style="border-color: var(--wrong)"></i>failed, hollow</li></ul>` : ''}
</div>
${disclosed('The histogram as a table', table({ id: 'histogram-table', caption: 'Batches by duration', columns: [{ name: 'Duration' }, { name: 'Succeeded' }, { name: 'Failed' }] }, bins))}
<h3>Slowest batches</h3>
<p>${stragglers === 0 ? 'No batch' : counted(stragglers, 'batch', 'batches')} took more than twice as long as 95 % of all.</p>
${batchTable('slowest-table', `The ${counted(slowest.length, 'slowest batch', 'slowest batches')}`, slowest, p50Ms)}
</section>`;
}

function retrySection(batches: readonly TimedBatch[], { retried, retries }: Figures): Html {
  const most = top(batches.filter(({ attempts }) => attempts > 1), TOP, (a, b) => b.attempts - a.attempts || a.batchId - b.batchId);
  return html`<section aria-labelledby="retries">
<h2 id="retries">Retries</h2>
<p>${retried === 0 ? 'Each batch took one call of the worker.' : `${counted(retried, 'batch', 'batches')} took ${counted(retries, 'call')} more than one each.`}</p>
${table({ id: 'calls-table', caption: 'Worker calls per batch', columns: [{ name: 'Calls' }, { name: 'Batches' }] }, callsPerBatch(batches).map(([calls, count]) => [grouped(calls), grouped(count)]))}
${most.length > 0 ? batchTable('retried-table', `Most calls: ${counted(most.length, 'batch', 'batches')}`, most) : ''}
</section>`;
}

function batchTable(id: string, caption: string, batches: readonly TimedBatch[], p50Ms = 0): Html {
  const columns = ['Batch', 'Took', ...p50Ms > 0 ? ['Times the middle one'] : [], 'Started after', 'Calls'].map((name) => ({ name }));
  return table({ id, caption, columns: [...columns, { name: 'Outcome', isText: true }] }, batches.map((batch) => [
    nameOf(batch), duration(batch.durationMs), ...p50Ms > 0 ? [(batch.durationMs / p50Ms).toFixed(1)] : [], duration(batch.startMs), batch.attempts, batch.failed ? 'failed' : 'done',
  ]));
}

function failureSection({ failures }: ReportData, { failed }: Figures): Html {
  const shown = failures.slice(0, MOST_FAILURE_ROWS);
  const rest = failures.slice(MOST_FAILURE_ROWS);
  const columns = [{ name: 'Error', isText: true }, { name: 'Batches' }, { name: 'Message', isText: true }, { name: 'Examples: batch, calls, request id', isText: true }];
  return html`<section aria-labelledby="failures">
<h2 id="failures">Failures</h2>
<p>${counted(failed, 'batch', 'batches')} failed for good. Errors whose messages differ in numbers only are one row; the request id finds the log lines of the last call.</p>
${table({ id: 'failures-table', caption: 'Failed batches by error', columns }, shown.map(({ errorType, message, count, examples }) => [
  shortened(errorType, 100), grouped(count), html`<span class="message">${shortened(message)}</span>`,
  html`${examples.map((example) => html`<div>${nameOf(example)}, ${example.attempts}, ${example.requestId === '' ? 'never reached the function' : html`<code>${shortened(example.requestId, 60)}</code>`}</div>`)}`,
]))}
${rest.length > 0 ? html`<p>And ${counted(rest.length, 'more kind')} of error, of ${counted(rest.reduce((sum, { count }) => sum + count, 0), 'batch', 'batches')}.</p>` : ''}
</section>`;
}

function costSection({ status: { cost }, isLocal }: ReportData): Html {
  const { lines, dollars, overheadDollars, unknown, region, date } = cost!;
  const rows = lines.map((line): (string | number)[] => [line.what, quantity(line.quantity), line.unit, line.dollars === undefined ? line.note ?? 'unknown' : money(line.dollars)]);
  const sums = [['in all', '', '', money(dollars)], ['beside worker and combiner', '', '', money(overheadDollars)]];
  return html`<section aria-labelledby="cost">
<h2 id="cost">Cost</h2>
<p>${isLocal ? 'What AWS would charge for what this job used; it ran on a local AWS, where nothing was charged and nothing of AWS was measured.' : 'What the job used, as its functions counted it, by the price sheet; not a bill of AWS.'}
Prices of ${region}, sheet of ${date}, first tiers, without free tiers, discounts and storage${isLocal ? '' : '; all epochs of the job together'}.</p>
${unknown.length > 0 ? html`<p>The sum leaves out: ${unknown.join('; ')}.</p>` : ''}
${table({ id: 'cost-table', caption: 'The bill by line', columns: [{ name: 'What' }, { name: 'Quantity' }, { name: 'Unit', isText: true }, { name: 'Dollars' }] },
  [...rows, ...sums], [...rows.map(() => 'line'), 'sum', 'sum'])}
</section>`;
}

const quantity = (value: number) => (value < 1000 ? new Intl.NumberFormat('en', { maximumSignificantDigits: 3 }).format(value) : grouped(Math.round(value)));

function shortened(text: string, most = MESSAGE_CHARS): string {
  return text.length > most ? `${text.slice(0, most)}…` : text;
}
