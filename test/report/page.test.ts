import { readFileSync } from 'fs';
import { mkdtemp, rm, writeFile } from 'fs/promises';
import { tmpdir } from 'os';
import * as path from 'path';
import type { Browser, Page } from 'playwright-core';
import { sampleJob } from './sample';
import { reportHtml } from '../../client/report';
import { STYLE } from '../../client/report/style';
import { findChromium, launch } from '../../demo/browser';
import { PICTURE_STYLE } from '../../demo/report/style';

const all = (page: string, pattern: RegExp) => [...page.matchAll(pattern)];
const dataOf = (page: string) => JSON.parse(/<script type="application\/json" id="report-data">(.*?)<\/script>/s.exec(page)![1]);

describe('the page', () => {
  const page = reportHtml(sampleJob(250));

  test('loads nothing and runs nothing', () => {
    expect(page).toContain("default-src 'none'");
    expect(all(page, /<script(?! type="application\/json")|<link(?! rel="icon" href="data:,")|@import|url\((?!#)/g)).toEqual([]);
    expect(all(page, /<[^>]*\son\w+=|(?:src|href)="(?!data:|#)/g)).toEqual([]);
  });

  test.each(['SUCCEEDED', 'FAILED'] as const)('takes no text of the job for markup: %s', (status) => {
    const hostile = '</script><script>alert(1)</script><img src=x onerror=alert(2)>&"\'';
    const job = sampleJob(10, { jobId: hostile, status, reason: { code: hostile, message: hostile } });
    const batches = job.timeline.batches.map((batch) => ({ ...batch, taskId: hostile }));
    const examples = [{ batchId: 5, taskId: hostile, requestId: hostile, attempts: 1 }];
    const failures = [{ errorType: hostile, message: hostile, count: 1, examples }];
    const made = reportHtml({ ...job, timeline: { ...job.timeline, batches }, failures });
    expect(all(made, /<script/g)).toHaveLength(1); // the data
    expect(all(made, /<img/g)).toEqual([]);
    expect(dataOf(made).jobId).toBe(hostile);
    expect(made).toContain('&#60;/script&#62;&#60;script&#62;alert(1)');
  });

  test('has headings without gaps, one main landmark, unique ids, and links to what is there', () => {
    const levels = all(page, /<h(\d)/g).map(([, level]) => Number(level));
    expect(levels.filter((level) => level === 1)).toHaveLength(1);
    levels.forEach((level, i) => expect(level - (levels[i - 1] ?? 0)).toBeLessThanOrEqual(1));
    const ids = all(page, / id="([^"]+)"/g).map(([, id]) => id);
    expect(new Set(ids).size).toBe(ids.length);
    for (const [, id] of all(page, /href="#([^"]+)"/g)) expect(ids).toContain(id);
  });

  test('takes all colours from its style', () => {
    const drawn = all(page, /<svg[\s\S]*?<\/svg>/g).map(([svg]) => svg.replace(/<clipPath[\s\S]*?<\/clipPath>|<[^>]*fill-opacity="0"[^>]*>/g, '')).join('');
    const colours = all(drawn, /(?:fill|stroke)="([^"]+)"/g).map(([, colour]) => colour).filter((colour) => colour !== 'none');
    expect(colours.length).toBeGreaterThan(250);
    expect([...new Set(colours)].filter((colour) => !/^var\(--[a-z0-9-]+\)$/.test(colour))).toEqual([]);
  });

  test('says what cannot be known, and leaves out what is not there', () => {
    const { status, isLocal, timeline } = sampleJob(10);
    const unplanned = reportHtml({
      status: { ...status, status: 'FAILED', epoch: 0, batchCount: 0, cost: undefined, reason: { code: 'InvalidRequest', message: 'items: what' } },
      timeline: { ...timeline, dispatchers: [], batches: [], combine: undefined },
      failures: [],
      isLocal,
    });
    expect(unplanned).toContain('InvalidRequest</b> items: what');
    expect(unplanned).toContain('No batch has run');
    expect(all(unplanned, /<section/g)).toHaveLength(1);
    const { batches } = timeline;
    const early = reportHtml({ ...sampleJob(10), timeline: { ...timeline, batches: batches.slice(0, 4), takenOver: 3 } });
    expect(dataOf(early).figures).toMatchObject({ batches: 10, succeeded: 7, failed: 0, missing: 3, takenOver: 3 });
    expect(early).toContain('<dd data-figure="missing" data-value="3">3</dd>');
    expect(early).toContain('3 results of earlier epochs were taken over');
  });

  test('says whose bill it is', () => {
    expect(page).toContain('ran on a local AWS');
    expect(page).not.toContain('not a bill of AWS');
    const onAws = reportHtml({ ...sampleJob(10), isLocal: false });
    expect(onAws).not.toContain('local AWS');
    expect(onAws).toContain('not a bill of AWS');
    for (const made of [page, onAws]) expect(made).toMatch(/Prices of us-east-1, sheet of \d{4}-\d\d-\d\d/);
  });

  test('stays below 2 MB at 100,000 batches that run in no order at all', () => {
    const job = sampleJob(100_000);
    const end = 600_000;
    const batches = job.timeline.batches.map((batch, i) =>
      ({ ...batch, startMs: (Math.floor(i / 16) ** 2 * 7_919) % end, durationMs: (i * 104_729) % 300 }));
    const made = reportHtml({ ...job, timeline: { ...job.timeline, batches } });
    expect(made.length).toBeLessThan(2_000_000);
    expect(all(made, /data-mark="run"/g).length).toBeGreaterThan(2_000);
    expect(dataOf(made).figures).toMatchObject({ batches: 100_000, workerMs: batches.reduce((sum, { durationMs }) => sum + durationMs, 0) });
  });
});

describe('the style', () => {
  const modesOf = (style: string) => [...style.matchAll(/:root \{([^}]*)\}/g)]
    .map(([, rules]) => Object.fromEntries([...rules.matchAll(/--([\w-]+): (#[0-9a-f]{6})/g)].map(([, name, colour]) => [name, colour])));
  const modes = modesOf(STYLE).map((mode, i): Record<string, string> => ({ ...mode, ...modesOf(PICTURE_STYLE)[i] }));

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

  test.each([0, 1])('shades differ in lightness, so that they need no colour: mode %i', (mode) => {
    const shades = [modes[mode].card, ...[1, 2, 3, 4, 5, 6].map((i) => modes[mode][`shade-${i}`])];
    const fromCard = shades.map((shade) => contrast(shade, modes[mode].card));
    shades.slice(1).forEach((shade, i) => expect([i, fromCard[i + 1] > fromCard[i] && contrast(shade, shades[i]) >= 1.2]).toEqual([i, true]));
  });
});

const executable = findChromium();
if (executable) {
  describe('in a browser', () => {
    let folder: string;
    let browser: Browser;

    beforeAll(async () => {
      folder = await mkdtemp(path.join(tmpdir(), 'job-report-'));
      browser = await launch(executable);
    });

    afterAll(async () => {
      await browser?.close();
      await rm(folder, { recursive: true, force: true });
    });

    async function opened(page: string, colorScheme: 'light' | 'dark'): Promise<{ tab: Page; complaints: string[] }> {
      const file = path.join(folder, 'report.html');
      await writeFile(file, page);
      const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, colorScheme, bypassCSP: false });
      const tab = await context.newPage();
      const complaints: string[] = [];
      tab.on('console', (message) => complaints.push(message.text()));
      tab.on('pageerror', (error) => complaints.push(error.message));
      tab.on('dialog', (dialog) => complaints.push(dialog.message()));
      tab.on('request', (request) => { if (!/^(file|data):/.test(request.url())) complaints.push(request.url()); });
      await tab.goto(`file://${file}`);
      return { tab, complaints };
    }

    test.each([[10, 'light'], [250, 'dark'], [10_000, 'light'], [10_000, 'dark']] as const)('%i batches, %s: figures are those of the job, nothing else is asked for', async (count, mode) => {
      const job = sampleJob(count);
      const { tab, complaints } = await opened(reportHtml(job), mode);
      const { batches, dispatchers } = job.timeline;
      const wallMs = job.status.endedAt!.getTime() - job.status.startedAt!.getTime();
      const workerMs = batches.reduce((sum, { durationMs }) => sum + durationMs, 0);
      const atOnce = (moment: number) => batches.filter(({ startMs, durationMs }) => startMs <= moment && moment < startMs + durationMs).length;
      const figures = await tab.locator('dd[data-figure]').evaluateAll((list) => Object.fromEntries(list.map((element) =>
        [element.getAttribute('data-figure'), Number(element.getAttribute('data-value'))])));
      expect(figures).toMatchObject({
        batches: count,
        failed: job.status.failed,
        retried: batches.filter(({ attempts }) => attempts > 1).length,
        dispatchers: dispatchers.length,
        wallMs,
        workerMs,
        dollars: job.status.cost!.dollars,
        maxMs: Math.max(...batches.map(({ durationMs }) => durationMs)),
        peak: Math.max(...[...new Set(batches.map(({ startMs }) => startMs))].map(atOnce)),
      });
      expect(figures.speedUp).toBeCloseTo(workerMs / wallMs, 9);

      for (const summary of await tab.locator('summary').all()) await summary.press('Enter');
      const cells = async (table: string, column: number) => tab.locator(`#${table} tbody tr:visible > :nth-child(${column})`).allInnerTexts();
      const sum = (texts: string[]) => texts.reduce((so, text) => so + Number(text.replace(/,/g, '')), 0);
      expect(sum([...await cells('histogram-table', 2), ...await cells('histogram-table', 3)])).toBe(count);
      expect(sum(await cells('calls-table', 2))).toBe(count);
      expect(sum(await cells('failures-table', 2))).toBe(job.status.failed);
      expect((await cells('slowest-table', 1))[0]).toBe(`batch ${batches.reduce((a, b) => (b.durationMs > a.durationMs ? b : a)).batchId}`);
      expect((await cells('curve-table', 4)).at(-1)).toBe(count.toLocaleString('en'));
      const kinds = await tab.locator('#timeline-table tbody tr:visible').evaluateAll((rows) => rows.map((row) => row.getAttribute('data-kind')));
      if (count <= 500) {
        expect(kinds.filter((kind) => kind === 'batch')).toHaveLength(count);
        expect(await tab.locator('svg [data-mark=bar]').count()).toBe(kinds.length);
      } else {
        expect(sum(await cells('timeline-table', 6))).toBe(count);
        expect(await tab.locator('main').innerText()).toMatch(/a row stands for up to \d+ batches/);
      }
      expect(await tab.locator('svg [data-mark=bin] title').count()).toBeGreaterThan(3);
      for (const width of [1280, 400]) {
        await tab.setViewportSize({ width, height: 900 });
        expect(await tab.evaluate('document.documentElement.scrollWidth')).toBe(width); // nothing sticks out
      }
      expect(complaints).toEqual([]);
      await tab.context().close();
    });

    test.each([[250, 'light'], [10_000, 'dark']] as const)('%i batches, %s: everybody can use it', async (count, mode) => {
      const { tab } = await opened(reportHtml(sampleJob(count, { status: 'FAILED', reason: { code: 'TooManyFailures', message: 'too many' } })), mode);
      await tab.evaluate("document.querySelectorAll('details').forEach((element) => { element.open = true; })");
      await tab.evaluate(readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8'));
      const { violations } = await tab.evaluate('axe.run()') as { violations: { id: string; impact: string; nodes: { html: string }[] }[] };
      expect(violations.map(({ id, impact, nodes }) => `${impact}: ${id}: ${nodes[0].html}`)).toEqual([]);
      await tab.context().close();
    });

    test('the keyboard reaches all parts in the order of the page', async () => {
      const { tab } = await opened(reportHtml(sampleJob(250)), 'light');
      const reached: string[] = [];
      for (let i = 0; i < 30; i++) {
        await tab.keyboard.press('Tab');
        const name = await tab.evaluate("document.activeElement === document.body ? '' : document.activeElement.getAttribute('aria-label') ?? document.activeElement.textContent") as string;
        if (name === '') break;
        reached.push(name);
      }
      expect(reached).toEqual([
        'Skip to the content', 'Summary', 'Failures', 'Time-line', 'Durations', 'Retries', 'Cost',
        'Table: Failed batches by error', 'Chart of the time-line', 'The curves as a table', 'Who ran when as a table', 'Table: Since the start of the job',
        'Chart of durations', 'The histogram as a table', 'Table: The 10 slowest batches', 'Table: Worker calls per batch', 'Table: Most calls: 9 batches', 'Table: The bill by line',
      ]);
      await tab.context().close();
    });
  });
}
