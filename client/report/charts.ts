import * as echarts from 'echarts';
import { Bands, SHADES } from './bands';
import { Histogram, placeIn } from './histogram';
import { duration, grouped, html } from './html';
import { Bar, Rows } from './lanes';
import { concurrency, cumulated, endsOf, most, startsOf, thinned } from './series';
import type { JobTimeline } from '../jobs/timeline';

/*
 * Drawn as SVG where the report is made: the page needs no script. Colours are CSS variables, which the library hands through, so that one
 * drawing serves light and dark.
 */

const WIDTH = 1160;
const LEFT = 150;
const RIGHT = 24;
const CURVE = { top: 28, height: 90 };
const RAMP = { top: CURVE.top + CURVE.height + 44, height: 70 };
const ROWS_TOP = RAMP.top + RAMP.height + 44;
const FOOT = 48;
/** Higher charts than this get thinner rows. */
const MOST_HEIGHT = 2000;
/** Points of a curve: one per pixel would not be seen to be more. */
const CURVE_POINTS = 500;

const LINES = { axisLine: { lineStyle: { color: 'var(--rule)' } }, axisTick: { show: false }, splitLine: { lineStyle: { color: 'var(--faint)' } } };
const LABEL = { color: 'var(--quiet)', fontSize: 12 };
const title = (text: string, top: number) => ({ text, left: 0, top, textStyle: { color: 'var(--ink)', fontSize: 13 } });

/** What a mark of a series is, for a pointer that rests on it. */
interface Marks {
  readonly kind: string;
  readonly name: (index: number) => string;
}

/** The time-line of a job: how many workers ran at once, how many batches were started and finished, and who ran when. */
export function timelineSvg(timeline: JobTimeline, endMs: number, rows: Rows, bands?: Bands): string {
  const bandCount = bands?.bands.length ?? 0;
  const count = rows.names.length + bandCount;
  const rowHeight = Math.max(4, Math.min(16, MOST_HEIGHT / Math.max(1, count)));
  const plot = Math.max(20, Math.ceil(rowHeight * count));
  const end = Math.max(1, endMs, ...rows.bars.map((bar) => bar.endMs));
  // the rows of bands are between dispatchers and combiner
  const firstBand = rows.bars.filter(({ kind }) => kind === 'dispatcher').length;
  const rowOf = (bar: Bar) => bar.row + (bar.kind === 'combiner' ? bandCount : 0);
  const names = [...rows.names];
  if (bands) names.splice(firstBand, 0, ...bands.bands.map(({ first }) => `batch ${grouped(first)} …`));
  const running = concurrency(timeline.batches);
  const { step, label } = timeTicks(end);
  const timeAxis = (gridIndex: number) => ({
    type: 'value' as const,
    gridIndex,
    min: 0,
    max: end,
    interval: step,
    ...LINES,
    axisLabel: gridIndex < 2 ? { show: false } : { ...LABEL, formatter: label, showMaxLabel: false },
  });
  const countAxis = (gridIndex: number) => ({
    type: 'value' as const, gridIndex, min: 0, minInterval: 1, splitNumber: 3, ...LINES, axisLabel: { ...LABEL, formatter: grouped },
  });
  const curve = (gridIndex: number, data: readonly (readonly [number, number])[], color: string, more = {}) => ({
    type: 'line' as const,
    step: 'end' as const,
    silent: true,
    symbol: 'none',
    xAxisIndex: gridIndex,
    yAxisIndex: gridIndex,
    data: data.map(([ms, value]) => [ms, value]),
    lineStyle: { color, width: 1.5 },
    ...more,
  });
  const peak = most(running);
  const { slots } = timeline;
  const planned = slots > 0 && slots <= 1.5 * peak && {
    markLine: {
      silent: true,
      symbol: 'none',
      data: [{ yAxis: slots }],
      lineStyle: { color: 'var(--quiet)', type: 'dashed' as const },
      label: { ...LABEL, formatter: `planned: ${grouped(slots)}`, position: 'insideEndTop' as const, textBorderWidth: 0 },
    },
  };
  const failures = (bands?.bands ?? []).flatMap((band, row) => Array.from(band.failures, (failed, slice) => ({ row, slice, failed })))
    .filter(({ failed }) => failed > 0);
  type Box<T> = (item: T, left: number, y: number, right: number) => echarts.CustomSeriesRenderItemReturn;
  const boxes = <T>(data: T[], place: (item: T) => [number, number, number], box: Box<T>) => ({
    type: 'custom' as const,
    silent: true,
    xAxisIndex: 2,
    yAxisIndex: 2,
    encode: { x: [0, 1], y: 2 },
    clip: true,
    data: data.map(place),
    renderItem: ({ dataIndex }: echarts.CustomSeriesRenderItemParams, api: echarts.CustomSeriesRenderItemAPI) => {
      const [left, y] = api.coord([api.value(0), api.value(2)]);
      return box(data[dataIndex], left, y, api.coord([api.value(1), 0])[0]);
    },
  });
  const sliceMs = bands?.sliceMs ?? 0;
  const span = (from: number, to: number) => `${duration(from)} to ${duration(to)}`;
  const batchesOf = (row: number) => `batches ${grouped(bands!.bands[row].first)} to ${grouped(bands!.bands[row].end - 1)}`;
  return draw({
    title: [title('Workers running', 0), title('Batches started (line) and finished (area)', RAMP.top - 28), title('Who ran when', ROWS_TOP - 28)],
    grid: [{ left: LEFT, right: RIGHT, ...CURVE }, { left: LEFT, right: RIGHT, ...RAMP }, { left: LEFT, right: RIGHT, top: ROWS_TOP, height: plot }],
    xAxis: [timeAxis(0), timeAxis(1), { ...timeAxis(2), name: 'since the start of the job', nameLocation: 'middle', nameGap: 28, nameTextStyle: LABEL }],
    yAxis: [
      { ...countAxis(0), max: Math.max(1, peak, planned ? slots : 0) },
      { ...countAxis(1), max: Math.max(1, timeline.batches.length), splitNumber: 2 },
      { type: 'category', gridIndex: 2, inverse: true, data: names, ...LINES, axisLabel: { ...LABEL, fontSize: 11 } },
    ],
    series: [
      curve(0, [...thinned(running, end, CURVE_POINTS), [end, 0]], 'var(--batch)', { areaStyle: { color: 'var(--batch)', opacity: 0.2 }, ...planned }),
      curve(1, cumulated(endsOf(timeline.batches), end, CURVE_POINTS), 'var(--batch)', { areaStyle: { color: 'var(--batch)', opacity: 0.2 }, lineStyle: { width: 0 } }),
      curve(1, cumulated(startsOf(timeline.batches), end, CURVE_POINTS), 'var(--batch)'),
      boxes([...rows.bars], (bar) => [bar.startMs, bar.endMs, rowOf(bar)], (bar, left, y, right) => drawBar(bar, left, y, right, rowHeight)),
      boxes([...bands?.runs ?? []], ({ band, from, to }) => [from * sliceMs, to * sliceMs, firstBand + band], ({ shade }, x, y, right) => ({
        type: 'rect', shape: { x, y: y - rowHeight / 2, width: right - x, height: rowHeight }, style: { fill: `var(--shade-${shade})` },
      })),
      boxes(failures, ({ row, slice }) => [slice * sliceMs, (slice + 1) * sliceMs, firstBand + row], (_, x, y, right) => ({
        type: 'rect',
        shape: { x: x + 1, y: y - rowHeight / 2 + 1.5, width: Math.max(2, right - x - 2), height: rowHeight - 3 },
        style: { fill: 'var(--card)', stroke: 'var(--wrong)', lineWidth: 1.5 },
      })),
    ],
  }, ROWS_TOP + plot + FOOT, {
    3: { kind: 'bar', name: (i) => `${rows.bars[i].name}${rows.bars[i].failed ? ', failed' : ''}: ${span(rows.bars[i].startMs, rows.bars[i].endMs)}` },
    4: {
      kind: 'run',
      name: (i) => {
        const { band, from, to, shade } = bands!.runs[i];
        return `${batchesOf(band)}, ${span(from * sliceMs, to * sliceMs)}: ${shadeName(bands!, shade)} running`;
      },
    },
    5: { kind: 'failures', name: (i) => `${batchesOf(failures[i].row)}: ${failures[i].failed} failed before ${duration((failures[i].slice + 1) * sliceMs)}` },
  });
}

/** What a shade of the bands stands for. */
export function shadeName({ perShade }: Bands, shade: number): string {
  const figure = (value: number) => (SHADES * perShade < 10 ? value.toFixed(1) : String(Math.round(value)));
  return shade === 1 ? `up to ${figure(perShade)}` : `${figure((shade - 1) * perShade)} to ${figure(shade * perShade)}`;
}

function drawBar({ kind, failed }: Bar, x: number, y: number, right: number, rowHeight: number): echarts.CustomSeriesRenderItemReturn {
  const height = rowHeight * (kind === 'batch' ? 0.7 : 0.5);
  const color = failed ? 'var(--wrong)' : `var(--${kind})`;
  return {
    type: 'rect',
    // a bar of no length would not be seen; a hair less than its length shows where the next one begins
    shape: { x, y: y - height / 2, width: Math.max(1.5, right - x - 0.75), height },
    // a failed one is hollow: not told by colour alone
    style: failed ? { fill: 'none', stroke: color, lineWidth: 1.5 } : { fill: color },
  };
}

/** How many batches took how long, and below which duration 50, 95 and 99 % of them are. */
export function histogramSvg(histogram: Histogram, percentiles: readonly (readonly [name: string, ms: number])[]): string {
  const { edges, succeeded, failed } = histogram;
  const bins = succeeded.length;
  const every = Math.ceil(bins / 14);
  const column = (color: string, base: readonly number[], values: readonly number[], isHollow: boolean) => ({
    type: 'custom' as const,
    silent: true,
    data: values.map((value, i) => [i, base[i], base[i] + value]),
    encode: { x: 0, y: [1, 2] },
    renderItem: (_: echarts.CustomSeriesRenderItemParams, api: echarts.CustomSeriesRenderItemAPI): echarts.CustomSeriesRenderItemReturn => {
      const [x, bottom] = api.coord([api.value(0), api.value(1)]);
      const [right, y] = api.coord([Number(api.value(0)) + 1, api.value(2)]);
      if (bottom <= y) return undefined;
      const gap = isHollow ? 1.75 : 1;
      return {
        type: 'rect',
        shape: { x: x + gap, y, width: Math.max(1, Math.min(120, right - x) - 2 * gap), height: bottom - y },
        style: isHollow ? { fill: 'none', stroke: color, lineWidth: 1.5 } : { fill: color },
      };
    },
  });
  const highest = succeeded.reduce((so, value, i) => Math.max(so, value + failed[i]), 1);
  return draw({
    grid: { left: 64, right: RIGHT, top: 60, height: 200 },
    xAxis: {
      type: 'value',
      min: 0,
      max: bins,
      interval: every,
      ...LINES,
      splitLine: { show: false },
      axisLabel: { ...LABEL, showMaxLabel: bins % every === 0, formatter: (bin: number) => (edges[bin] === undefined ? '' : duration(edges[bin])) },
      name: `duration of the call that counts${histogram.scale === 'log' ? '; the scale widens to the right' : ''}`,
      nameLocation: 'middle',
      nameGap: 28,
      nameTextStyle: LABEL,
    },
    yAxis: { type: 'value', min: 0, max: highest, minInterval: 1, splitNumber: 4, ...LINES, axisLabel: { ...LABEL, formatter: grouped }, name: 'batches', nameTextStyle: { ...LABEL, align: 'right' } },
    series: [
      column('var(--batch)', succeeded.map(() => 0), succeeded, false),
      column('var(--wrong)', succeeded, failed, true),
      {
        type: 'line',
        silent: true,
        data: [],
        // each label on a line of its own, so that close ones can be told apart
        markLine: {
          silent: true,
          symbol: 'none',
          lineStyle: { color: 'var(--ink)', type: 'dashed', width: 1 },
          data: percentiles.map(([name, ms], i) => ([
            {
              coord: [placeIn(histogram, ms), 0],
              label: { show: true, position: 'end', formatter: name, color: 'var(--ink)', fontSize: 12, textBorderWidth: 0, distance: [0, 2 + 14 * (percentiles.length - 1 - i)] },
            },
            { coord: [placeIn(histogram, ms), highest] },
          ])) as [{ coord: number[] }, { coord: number[] }][],
        },
      },
    ],
  }, 260 + 60, {
    0: { kind: 'bin', name: (i) => `${grouped(succeeded[i])} from ${duration(edges[i])} to ${duration(edges[i + 1])}` },
    1: { kind: 'bin', name: (i) => `${grouped(failed[i])} failed from ${duration(edges[i])} to ${duration(edges[i + 1])}` },
  });
}

const TIME_STEPS = [
  1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 15_000, 30_000, 60_000, 120_000,
  300_000, 600_000, 900_000, 1_800_000, 3_600_000, 7_200_000, 14_400_000,
];

/** Full seconds, minutes or hours, ten at most. */
function timeTicks(end: number): { step: number; label: (ms: number) => string } {
  const step = TIME_STEPS.find((ms) => end / ms <= 11) ?? end / 10;
  const [unit, name] = step < 30_000 ? [1000, 's'] : step < 1_800_000 ? [60_000, 'min'] : [3_600_000, 'h'];
  return { step, label: (ms) => `${Number((ms / unit).toFixed(3))} ${name}` };
}

function draw(option: echarts.EChartsOption, height: number, marks: { readonly [series: number]: Marks }): string {
  const chart = echarts.init(null, null, { renderer: 'svg', ssr: true, width: WIDTH, height });
  try {
    chart.setOption({ animation: false, color: ['var(--batch)'], ...option });
    return named(chart.renderToSVGString(), marks);
  } finally {
    chart.dispose();
  }
}

const SERIES = / ecmeta_series_index="(\d+)"(?: ecmeta_data_index="(\d+)")?(?: ecmeta_\w+="[^"]*")*([^>]*)>/g;

/** Names marks, and leaves out what is for scripts: rules against hovering, and numbers of series. */
function named(svg: string, marks: { readonly [series: number]: Marks }): string {
  return svg
    .replace(/<style[\s\S]*?<\/style>/g, '')
    .replace(/ class="[^"]*"| pointer-events="visible"/g, '')
    .replace(SERIES, (_, series: string, index: string | undefined, rest: string) => {
      const mark = index === undefined ? undefined : marks[Number(series)];
      return mark === undefined ? `${rest}>` : html` data-mark="${mark.kind}"${rest}><title>${mark.name(Number(index))}</title>`.text;
    });
}
