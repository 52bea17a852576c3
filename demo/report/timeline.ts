import * as echarts from 'echarts';
import { Bar, Rows, concurrency } from './lanes';
import { JobTimeline } from '../../client';

/*
 * Drawn at build time as SVG: the page needs no script. Colours are CSS variables, which the library hands through, so that one
 * drawing serves light and dark.
 */

const WIDTH = 1160;
const LEFT = 110;
const RIGHT = 24;
const CURVE = { top: 28, height: 90 };
const ROWS_TOP = CURVE.top + CURVE.height + 44;
const FOOT = 48;
/** Higher charts than this get thinner rows. */
const MOST_HEIGHT = 2000;

const LINES = { axisLine: { lineStyle: { color: 'var(--rule)' } }, axisTick: { show: false }, splitLine: { lineStyle: { color: 'var(--faint)' } } };
const LABEL = { color: 'var(--quiet)', fontSize: 12 };

/** The time-line of a job as an SVG: how many workers ran at once, and below it who ran when. */
export function timelineSvg(timeline: JobTimeline, rows: Rows): string {
  const rowHeight = Math.max(4, Math.min(16, MOST_HEIGHT / rows.names.length));
  const plot = Math.ceil(rowHeight * rows.names.length);
  const steps = concurrency(timeline.batches);
  const end = Math.max(1, ...rows.bars.map(({ endMs }) => endMs));
  const timeAxis = { type: 'value' as const, min: 0, max: end, ...LINES, axisLabel: { ...LABEL, formatter: seconds, hideOverlap: true } };
  const chart = echarts.init(null, null, { renderer: 'svg', ssr: true, width: WIDTH, height: ROWS_TOP + plot + FOOT });
  chart.setOption({
    animation: false,
    title: [
      { text: 'Workers running', left: 0, top: 0, textStyle: { color: 'var(--ink)', fontSize: 13 } },
      { text: 'Who ran when', left: 0, top: ROWS_TOP - 28, textStyle: { color: 'var(--ink)', fontSize: 13 } },
    ],
    grid: [{ left: LEFT, right: RIGHT, ...CURVE }, { left: LEFT, right: RIGHT, top: ROWS_TOP, height: plot }],
    xAxis: [
      { ...timeAxis, gridIndex: 0, axisLabel: { show: false } },
      { ...timeAxis, gridIndex: 1, name: 'since the start of the job', nameLocation: 'middle', nameGap: 28, nameTextStyle: LABEL },
    ],
    yAxis: [
      { type: 'value', gridIndex: 0, minInterval: 1, splitNumber: 3, ...LINES, axisLabel: LABEL },
      { type: 'category', gridIndex: 1, inverse: true, data: [...rows.names], ...LINES, axisLabel: { ...LABEL, fontSize: 11 } },
    ],
    series: [
      {
        type: 'line',
        step: 'end',
        silent: true,
        symbol: 'none',
        xAxisIndex: 0,
        yAxisIndex: 0,
        data: [...steps, [end, 0]],
        lineStyle: { color: 'var(--batch)', width: 1.5 },
        areaStyle: { color: 'var(--batch)', opacity: 0.2 },
      },
      {
        type: 'custom',
        silent: true,
        xAxisIndex: 1,
        yAxisIndex: 1,
        encode: { x: [0, 1], y: 2 },
        clip: true,
        data: rows.bars.map(({ startMs, endMs, row }) => [startMs, endMs, row]),
        renderItem: ({ dataIndex }: echarts.CustomSeriesRenderItemParams, api: echarts.CustomSeriesRenderItemAPI) =>
          drawBar(rows.bars[dataIndex], api, rowHeight),
      },
    ],
  });
  const svg = chart.renderToSVGString();
  chart.dispose();
  return svg;
}

function drawBar({ kind, failed }: Bar, api: echarts.CustomSeriesRenderItemAPI, rowHeight: number): echarts.CustomSeriesRenderItemReturn {
  const [x, y] = api.coord([api.value(0), api.value(2)]);
  const [right] = api.coord([api.value(1), api.value(2)]);
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

function seconds(ms: number): string {
  return `${Number((ms / 1000).toFixed(2))} s`;
}
