import { mkdir, mkdtemp, readFile, rm, writeFile } from 'fs/promises';
import { tmpdir } from 'os';
import * as path from 'path';
import { PNG } from 'pngjs';
import { JobTimeline, TimedBatch } from '../../client';
import { findChromium, launch, screenshot } from '../../demo/browser';
import { plainSearch } from '../../demo/plain-search';
import { ReportInput, renderReport } from '../../demo/report';
import type { SearchAnswer } from '../../examples/digit-search/functions/node/combiner';
import { picture } from '../../examples/digit-search/functions/node/digits';
import { vote } from '../../examples/digit-search/functions/node/search';
import { DataSet, readDataSet } from '../../examples/digit-search/functions/prepare';

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
    slots: 14,
    takenOver: 0,
    dispatchers: [{ leaf: 0, attempt: 1, startMs: 90, endMs: 700 }, { leaf: 1, attempt: 2, startMs: 95, endMs: 1_000 }],
    batches,
    combine: { startMs: 1_100, endMs: 1_234 },
  };
  const status = { jobId: 'a<b>&"c"', status: 'SUCCEEDED' as const, epoch: 1, batchCount: BATCHES, hasTasks: false, finished: BATCHES, failed: 1, running: 0, leaves: 2 };
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
    expect(figure('concurrency')).toBe('14');
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
    const timeline = { startedAt: new Date(0), slots: 0, takenOver: 0, dispatchers: [], batches: [] };
    const empty = renderReport({ ...input, timeline, answer: { ...input.answer, queries, accuracy: 0 } });
    expect(all(/✗ read as nothing/g, empty)).toHaveLength(100);
  });
});

test('the time-line has a bar and a row of the table for whatever ran', () => {
  expect(all(/ data-mark="bar"/g)).toHaveLength(BATCHES + 2 + 1);
  expect(all(/<tr data-kind="(\w+)"/g).map(([, kind]) => kind)).toEqual(['dispatcher', 'dispatcher', ...new Array(BATCHES).fill('batch'), 'combiner']);
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
        expect(await tab.locator('svg [data-mark=bar]').count()).toBe(BATCHES + 3);
        await tab.getByText('Who ran when as a table').press('Enter');
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
