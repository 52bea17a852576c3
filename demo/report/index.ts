import { JobStatus, JobTimeline } from '../../client';
import { figuresOf } from '../../client/report/figures';
import { Html, counted, grouped, html, page } from '../../client/report/html';
import { STYLE } from '../../client/report/style';
import { timelineSection } from '../../client/report/time-section';
import { QueryAnswer, SearchAnswer } from '../../examples/digit-search/functions/node/combiner';
import { DataSet } from '../../examples/digit-search/functions/prepare';
import { Phase } from '../phases';
import { Pictures } from './pictures';
import { PICTURE_STYLE } from './style';

/** What a report tells. */
export interface ReportInput {
  readonly answer: SearchAnswer;
  readonly data: DataSet;
  readonly status: JobStatus;
  readonly timeline: JobTimeline;
  /** From the submission of the job until its end was seen. */
  readonly runSeconds: number;
  readonly phases: readonly Phase[];
}

/** The report as one HTML page that loads nothing and runs no script. */
export function renderReport(input: ReportInput): string {
  const { answer, data, status } = input;
  return page(`Digit search: ${percent(answer.accuracy)} read rightly`, `${STYLE + PICTURE_STYLE}:root { --card-width: ${220 + 70 * Math.min(answer.k, 5)}px; }`, html`<header>
<h1>Digit search</h1>
<p>${grouped(data.queries.labels.length)} handwritten digits, each compared with ${grouped(data.candidates.labels.length)} others;
the ${counted(answer.k, 'nearest neighbour')} vote on which digit it is.</p>
<p class="quiet">Job ${status.jobId}, started ${input.timeline.startedAt.toISOString().slice(0, 19).replace('T', ' ')} UTC</p>
</header>
<main id="content">
${summary(input)}
${timelineSection(input.timeline, status.batchCount, figuresOf(input).wallMs)}
${phasesSection(input.phases)}
${queriesSection(answer, data)}
</main>`);
}

function summary(input: ReportInput): Html {
  const { answer, status, runSeconds } = input;
  const right = answer.queries.filter(isRight).length;
  const { peak, retried, dispatchers } = figuresOf(input);
  const figures: [string, string, string][] = [
    ['accuracy', 'read rightly', `${right} of ${answer.queries.length}`],
    ['neighbours', 'neighbours, all verified', grouped(answer.queries.reduce((sum, { neighbours }) => sum + neighbours.length, 0))],
    ['batches', 'batches', grouped(status.batchCount)],
    ['failed', 'failed batches', grouped(status.failed)],
    ['retried', 'batches tried again', grouped(retried)],
    ['dispatchers', 'dispatchers', grouped(dispatchers)],
    ['concurrency', 'most workers at once', grouped(peak)],
    ['seconds', 'from start to answer', `${runSeconds.toFixed(1)} s`],
    ['rate', 'batches per second', (status.batchCount / runSeconds).toFixed(0)],
  ];
  return html`<section aria-labelledby="summary">
<h2 id="summary">Summary</h2>
<dl class="figures">${figures.map(([id, name, value]) => html`<div><dt>${name}</dt><dd id="figure-${id}">${value}</dd></div>`)}</dl>
</section>`;
}

function phasesSection(phases: readonly Phase[]): Html {
  return html`<section aria-labelledby="phases">
<h2 id="phases">Where the time went</h2>
<table>
<caption>Seconds; some steps ran at the same time</caption>
<thead><tr><th scope="col">Step</th><th scope="col">Seconds</th></tr></thead>
<tbody>${phases.map(({ name, seconds }) => html`<tr><th scope="row">${name}</th><td>${seconds.toFixed(1)}</td></tr>`)}</tbody>
</table>
</section>`;
}

function queriesSection({ queries }: SearchAnswer, data: DataSet): Html {
  const pictures = { query: new Pictures(data.queries.pixels), candidate: new Pictures(data.candidates.pixels) };
  const numbered = queries.map((query, number) => ({ ...query, number }));
  const wrong = numbered.filter((query) => !isRight(query));
  const sections = [...new Set(queries.map(({ label }) => label))].map((digit) => {
    const members = numbered.filter(({ label }) => label === digit);
    return html`<h3>Digit ${digit}: ${members.filter(isRight).length} of ${members.length} right</h3>
<ul class="queries">${members.map((query) => card(query, query.number, pictures))}</ul>`;
  });
  return html`<section aria-labelledby="queries">
<h2 id="queries">Queries and their neighbours</h2>
<p>The large picture is the query, the small ones are its neighbours, nearest first, each with the digit it is and its squared distance.
${wrong.length === 0 ? 'All were read rightly.' : html`Read wrongly: ${new Html(wrong.map(linkTo).map(({ text }) => text).join(', '))}.`}</p>
${sections}
</section>`;
}

type Numbered = QueryAnswer & { readonly number: number };

function linkTo({ number, label, predicted }: Numbered): Html {
  return html`<a href="#query-${number}">query ${number}, a ${label} read as ${predicted ?? 'nothing'}</a>`;
}

function card(query: QueryAnswer, number: number, pictures: { readonly query: Pictures; readonly candidate: Pictures }): Html {
  const { label, predicted, neighbours } = query;
  const verdict = isRight(query) ? '✓ right' : `✗ read as ${predicted ?? 'nothing'}`;
  return html`<li class="query ${isRight(query) ? 'right' : 'wrong'}" id="query-${number}">
<figure><img src="${pictures.query.uri(number)}" width="63" height="63" alt="Query ${number}: a handwritten ${label}">
<figcaption>query ${number}<br>a ${label}<br><span class="verdict">${verdict}</span></figcaption></figure>
<ol class="neighbours">${neighbours.map((neighbour) => html`<li${neighbour.label === label ? '' : new Html(' class="other"')}>
<img src="${pictures.candidate.uri(neighbour.index)}" width="42" height="42" alt="Candidate ${neighbour.index}">
<b>a ${neighbour.label}${neighbour.label === label ? '' : ' ≠'}</b>${grouped(neighbour.distance)}</li>`)}</ol>
</li>`;
}

function isRight({ label, predicted }: QueryAnswer): boolean {
  return label === predicted;
}

function percent(share: number): string {
  return `${Number((100 * share).toFixed(1))} %`;
}
