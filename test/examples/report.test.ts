import { mkdir, mkdtemp, readFile, rm, writeFile } from 'fs/promises';
import { tmpdir } from 'os';
import * as path from 'path';
import * as fc from 'fast-check';
import { PNG } from 'pngjs';
import { JobTimeline, TimedBatch } from '../../client';
import { findChromium, launch, screenshot } from '../../demo/browser';
import { plainSearch } from '../../demo/plain-search';
import { ReportInput, renderReport } from '../../demo/report';
import { concurrency, rowsOf } from '../../demo/report/lanes';
import { STYLE } from '../../demo/report/style';
import type { SearchAnswer } from '../../examples/digit-search/typescript/combiner';
import { picture } from '../../examples/digit-search/typescript/digits';
import { DataSet, readDataSet } from '../../examples/digit-search/typescript/prepare';
import { vote } from '../../examples/digit-search/typescript/search';

const K = 3;
const BATCHES = 248;

let data: DataSet;
let input: ReportInput;
let page: string;

beforeAll(async () => {
  data = await readDataSet();
  input = reportOf(answerOf(data));
  page = renderReport(input);
});

function answerOf({ queries, candidates }: DataSet): SearchAnswer {
  const found = plainSearch({ queries, candidates }, K).map((neighbours, query) => {
    const labelled = neighbours.map((neighbour) => ({ ...neighbour, label: candidates.labels[neighbour.index] }));
    return { label: queries.labels[query], predicted: vote(labelled.map(({ label }) => label)), neighbours: labelled };
  });
  const right = found.filter(({ label, predicted }) => label === predicted).length;
  return { k: K, queries: found, accuracy: right / found.length, missingBatches: [7] };
}

/** A job of 248 batches on two dispatchers, with a failed batch and one that was tried again. */
function reportOf(answer: SearchAnswer): ReportInput {
  const batches = Array.from({ length: BATCHES }, (_, batchId): TimedBatch => ({
    batchId,
    startMs: 100 + Math.floor(batchId / 14) * 50 + (batchId % 3),
    durationMs: 20 + (batchId % 30),
    attempts: batchId === 9 ? 2 : 1,
    failed: batchId === 7,
  }));
  const timeline: JobTimeline = {
    startedAt: new Date('2026-01-02T03:04:05Z'),
    dispatchers: [{ leaf: 0, attempt: 1, startMs: 90, endMs: 700 }, { leaf: 1, attempt: 2, startMs: 95, endMs: 1_000 }],
    batches,
    combine: { startMs: 1_100, endMs: 1_234 },
  };
  const status = { jobId: 'a<b>&"c"', status: 'SUCCEEDED' as const, epoch: 1, batchCount: BATCHES, finished: BATCHES, failed: 1, running: 0, leaves: 2 };
  return { answer, data, status, timeline, runSeconds: 4, phases: [{ name: 'build', seconds: 1.25 }] };
}

const all = (pattern: RegExp, text = page) => [...text.matchAll(pattern)];
const figure = (id: string) => new RegExp(`id="figure-${id}">([^<]*)<`).exec(page)?.[1];

describe('the page', () => {
  test('loads nothing and runs nothing', () => {
    expect(page).toContain("default-src 'none'");
    expect(all(/<script|<link(?! rel="icon" href="data:,")|@import|url\((?!#)|\son\w+=|(?:src|href)="(?!data:|#)/g)).toEqual([]);
    expect(page.length).toBeLessThan(1_000_000);
  });

  test('escapes what it shows', () => {
    expect(page).toContain('Job a&#60;b&#62;&#38;&#34;c&#34;,');
    expect(page).not.toContain('a<b>');
  });

  test('has a picture with an alternative text for each query and each neighbour', () => {
    const images = all(/<img [^>]*alt="([^"]+)"/g);
    expect(images).toHaveLength(100 * (1 + K));
    expect(images[0][1]).toBe('Query 0: a handwritten 0');
  });

  test('has pictures of the right digits', () => {
    const uris = all(/<img src="data:image\/png;base64,([^"]+)"/g).map(([, base64]) => PNG.sync.read(Buffer.from(base64, 'base64')));
    const { queries } = input.answer;
    const shown = queries.flatMap(({ neighbours }, query) => [
      picture(data.queries.pixels, query), ...neighbours.map(({ index }) => picture(data.candidates.pixels, index)),
    ]);
    expect(uris.map(({ width, height }) => `${width}x${height}`)).toEqual(shown.map(() => '28x28'));
    const grey = ({ data: rgba }: PNG) => Buffer.from(rgba.filter((_, i) => i % 4 === 0));
    expect(uris.every((image, i) => grey(image).equals(shown[i]))).toBe(true);
  });

  test('says of each query whether it was read rightly, in words', () => {
    const wrong = input.answer.queries.filter(({ label, predicted }) => label !== predicted);
    expect(wrong.length).toBeGreaterThan(0);
    expect(all(/class="verdict">✓ right</g)).toHaveLength(100 - wrong.length);
    expect(all(/class="verdict">✗ read as (\d)</g).map(([, digit]) => Number(digit))).toEqual(wrong.map(({ predicted }) => predicted));
    expect(all(/<a href="#(query-\d+)">/g).map(([, id]) => id).every((id) => page.includes(`id="${id}"`))).toBe(true);
  });

  test('shows the distance of each neighbour', () => {
    for (const { distance } of input.answer.queries.flatMap(({ neighbours }) => neighbours)) {
      expect(page.includes(`</b>${distance.toLocaleString('en')}</li>`)).toBe(true);
    }
  });

  test('sums up the job', () => {
    const right = Math.round(input.answer.accuracy * 100);
    expect(['accuracy', 'neighbours', 'batches', 'failed', 'retried', 'dispatchers', 'seconds', 'rate'].map(figure))
      .toEqual([`${right} of 100`, '300', '248', '1', '1', '2', '4.0 s', '62']);
    expect(figure('concurrency')).toBe(String(Math.max(...concurrency(input.timeline.batches).map(([, running]) => running))));
  });

  test('has headings without gaps, one main landmark and unique ids', () => {
    const levels = all(/<h(\d)/g).map(([, level]) => Number(level));
    expect(levels.filter((level) => level === 1)).toHaveLength(1);
    levels.forEach((level, i) => expect(level - (levels[i - 1] ?? 0)).toBeLessThanOrEqual(1));
    expect(all(/<main/g)).toHaveLength(1);
    const ids = all(/ id="([^"]+)"/g).map(([, id]) => id);
    expect(new Set(ids).size).toBe(ids.length);
  });

  test('can be made when nothing was found', () => {
    const queries = input.answer.queries.map(({ label }) => ({ label, neighbours: [] }));
    const timeline = { startedAt: new Date(0), dispatchers: [], batches: [] };
    const empty = renderReport({ ...input, timeline, answer: { ...input.answer, queries, accuracy: 0 } });
    expect(all(/✗ read as nothing/g, empty)).toHaveLength(100);
  });
});

describe('the time-line', () => {
  test('has a bar and a row of the table for whatever ran', () => {
    expect(all(/ecmeta_series_index="1"/g)).toHaveLength(BATCHES + 2 + 1);
    const rows = all(/<tr data-kind="(\w+)"><th scope="row">([^<]+)<\/th><td>(\d+)<\/td><td>(\d+)<\/td><td>(\d+)<\/td><td class="outcome">(\w+)</g)
      .map(([, kind, name, start, took, attempts, outcome]) => ({ kind, name, startMs: Number(start), durationMs: Number(took), attempts: Number(attempts), failed: outcome === 'failed' }));
    const { batches } = input.timeline;
    expect(rows.filter(({ kind }) => kind === 'batch'))
      .toEqual(batches.map(({ batchId, ...batch }) => ({ kind: 'batch', name: `batch ${batchId}`, ...batch })));
    expect(rows.filter(({ kind }) => kind !== 'batch')).toEqual([
      { kind: 'dispatcher', name: 'dispatcher 0', startMs: 90, durationMs: 610, attempts: 1, failed: false },
      { kind: 'dispatcher', name: 'dispatcher 1', startMs: 95, durationMs: 905, attempts: 2, failed: false },
      { kind: 'combiner', name: 'combiner', startMs: 1_100, durationMs: 134, attempts: 1, failed: false },
    ]);
  });

  test('draws a failed batch hollow, and says so', () => {
    expect(all(/fill="none" [^>]*stroke="var\(--wrong\)"/g)).toHaveLength(1);
    expect(page).toContain('failed batch, hollow');
  });

  test('takes all colours from the style of the page', () => {
    const drawn = /<svg[\s\S]*?<\/svg>/.exec(page)![0].replace(/<clipPath[\s\S]*?<\/clipPath>|<[^>]*fill-opacity="0"[^>]*>/g, '');
    const colours = all(/(?:fill|stroke)="([^"]+)"/g, drawn).map(([, colour]) => colour).filter((colour) => colour !== 'none');
    expect([...new Set(colours)].filter((colour) => !/^var\(--[a-z]+\)$/.test(colour))).toEqual([]);
  });

  const runs = fc.array(fc.record({ startMs: fc.nat(50), durationMs: fc.nat(20) }), { maxLength: 40 })
    .map((list) => list.map((times, batchId): TimedBatch => ({ batchId, ...times, attempts: 1, failed: false })));

  test('never puts two batches into one row at the same time, nor takes more rows than batches at once', () => {
    fc.assert(fc.property(runs, (batches) => {
      const { bars, names } = rowsOf({ startedAt: new Date(0), dispatchers: [], batches });
      expect(bars.map(({ name }) => name)).toEqual(batches.map(({ batchId }) => `batch ${batchId}`));
      for (const a of bars) {
        for (const b of bars) expect(a === b || a.row !== b.row || a.endMs <= b.startMs || b.endMs <= a.startMs).toBe(true);
      }
      const instant = batches.some(({ durationMs }) => durationMs === 0);
      const most = Math.max(0, ...concurrency(batches).map(([, running]) => running));
      if (!instant) expect(names).toHaveLength(most);
    }));
  });

  test('counts at each moment how many run', () => {
    fc.assert(fc.property(runs, fc.nat(80), (batches, moment) => {
      const steps = concurrency(batches);
      const now = steps.filter(([ms]) => ms <= moment).at(-1)![1];
      expect(now).toBe(batches.filter(({ startMs, durationMs }) => startMs <= moment && moment < startMs + durationMs).length);
    }));
  });
});

describe('the style', () => {
  const coloursOf = (rules: string) => Object.fromEntries([...rules.matchAll(/--([\w-]+): (#[0-9a-f]{6})/g)].map(([, name, colour]) => [name, colour]));
  const modes = [...STYLE.matchAll(/:root \{([^}]*)\}/g)].map(([, rules]) => coloursOf(rules));

  const luminance = (colour: string) => {
    const [r, g, b] = [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16) / 255)
      .map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const contrast = (a: string, b: string) => {
    const [light, dark] = [luminance(a), luminance(b)].sort((x, y) => y - x);
    return (light + 0.05) / (dark + 0.05);
  };

  test.each([0, 1])('can be read in light and dark: mode %i', (mode) => {
    for (const ground of ['ground', 'card', 'wrong-ground']) {
      for (const ink of ['ink', 'quiet', 'right', 'wrong', 'focus']) {
        expect([ink, ground, contrast(modes[mode][ink], modes[mode][ground]) >= 4.5]).toEqual([ink, ground, true]);
      }
    }
    for (const bar of ['dispatcher', 'batch', 'combiner', 'wrong']) {
      expect([bar, contrast(modes[mode][bar], modes[mode].card) >= 3]).toEqual([bar, true]);
    }
  });
});

describe('in a browser', () => {
  const executable = findChromium();
  let folder: string;
  let file: string;

  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'report-'));
    file = path.join(folder, 'report.html');
    await writeFile(file, page);
  });

  afterAll(async () => rm(folder, { recursive: true, force: true }));

  if (executable) {
    test.each(['light', 'dark'] as const)('it shows everything without an error: %s', async (colorScheme) => {
      const browser = await launch(executable);
      try {
        const tab = await browser.newPage({ viewport: { width: 1280, height: 900 }, colorScheme });
        const complaints: string[] = [];
        tab.on('console', (message) => complaints.push(message.text()));
        tab.on('pageerror', (error) => complaints.push(error.message));
        tab.on('request', (request) => { if (!/^(file|data):/.test(request.url())) complaints.push(request.url()); });
        await tab.goto(`file://${file}`);

        const loaded = await tab.locator('img').evaluateAll((images) => images.map((image) => (image as unknown as { naturalWidth: number }).naturalWidth));
        expect(loaded).toEqual(new Array(100 * (1 + K)).fill(28));
        expect(await tab.locator('svg [ecmeta_series_index="1"]').count()).toBe(BATCHES + 3);
        await tab.getByText('The same figures as a table').press('Enter');
        expect(await tab.locator('#timeline-table tbody tr:visible').count()).toBe(BATCHES + 3);
        expect(await tab.getByRole('heading', { level: 3 }).count()).toBe(10);
        expect(await tab.getByRole('img', { name: /^Chart: 2 dispatchers, 248 batches/ }).count()).toBe(1);
        for (const width of [1280, 400]) {
          await tab.setViewportSize({ width, height: 900 });
          expect(await tab.evaluate('document.documentElement.scrollWidth')).toBe(width); // nothing sticks out
        }
        expect(complaints).toEqual([]);
      } finally {
        await browser.close();
      }
    });

    test('its picture shows the whole page', async () => {
      const png = path.join(folder, 'report.png');
      await screenshot(executable, file, png);
      const { width, height } = PNG.sync.read(await readFile(png));
      expect(width).toBe(1280);
      expect(height).toBeGreaterThan(2_000);
    });
  }

  test('the browser is found by CHROME_PATH or on the PATH, or not at all', async () => {
    const bin = path.join(folder, 'bin');
    await mkdir(bin);
    await writeFile(path.join(bin, 'google-chrome'), '#!/bin/sh\n', { mode: 0o755 });
    await writeFile(path.join(bin, 'chromium'), 'not executable', { mode: 0o644 });
    expect(findChromium({ PATH: `/nowhere:${bin}` })).toBe(path.join(bin, 'google-chrome'));
    expect(findChromium({ PATH: '', CHROME_PATH: path.join(bin, 'google-chrome') })).toBe(path.join(bin, 'google-chrome'));
    expect(findChromium({ PATH: bin, CHROME_PATH: '/nowhere/chrome' })).toBeUndefined();
  });
});
