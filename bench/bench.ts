import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { program } from 'commander';
import { cost } from './cost';
import { engine } from './engine';
import { fanOut } from './fan-out';
import { hotPath } from './hot-path';
import { machine } from './machine';
import type { Benchmark, Report } from './suite';
import { markdown } from './table';

/** One command for every figure: it measures, compares and prints, and never judges. */

const BENCHMARKS: { readonly [name: string]: Benchmark } = {
  'fan-out': fanOut,
  cost,
  'hot-path': hotPath,
  engine,
};
const DOCUMENT = join(__dirname, '..', 'docs', 'performance.md');

program
  .name('bench')
  .description(`Measures and simulates, side by side: ${Object.keys(BENCHMARKS).join(', ')}. Its figures decide nothing; it exits 0 whatever they are`)
  .argument('[names...]', 'what to run', Object.keys(BENCHMARKS))
  .option('--json <file>', 'write all figures there, too')
  .option('--write-docs', 'put the tables into docs/performance.md')
  .option('--quick', 'small sizes only, to try the bench itself', false)
  .parse();

interface Options {
  readonly json?: string;
  readonly writeDocs?: boolean;
  readonly quick: boolean;
}

async function main(names: string[], { json, writeDocs, quick }: Options): Promise<void> {
  const unknown = names.find((name) => !(name in BENCHMARKS));
  if (unknown !== undefined) throw new Error(`no benchmark ${unknown}, there are: ${Object.keys(BENCHMARKS).join(', ')}`);
  const where = machine();
  const progress = (what: string) => { if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${what}`); };
  const reports: { [name: string]: Report } = {};
  for (const name of names) {
    reports[name] = await BENCHMARKS[name]({ quick, progress });
    progress('');
    const text = section(reports[name]);
    console.log(`## ${name}\n\n${text}\n`);
    if (writeDocs) document(name, text);
  }
  console.log(`Node ${where.node}, ${where.cores} x ${where.cpu}, load ${where.load} at the start`);
  if (json !== undefined) writeFileSync(json, JSON.stringify({ machine: where, reports }, null, 2) + '\n');
}

function section({ tables }: Report): string {
  return tables.map(markdown).join('\n\n');
}

/** Replaces what stands between two marks. */
function document(name: string, text: string): void {
  const [from, to] = [`<!-- bench ${name} -->`, `<!-- end ${name} -->`];
  const old = readFileSync(DOCUMENT, 'utf8');
  const [start, end] = [old.indexOf(from), old.indexOf(to)];
  if (start < 0 || end < start) throw new Error(`${DOCUMENT} has no place for ${name}: put the lines ${from} and ${to} where its tables belong`);
  writeFileSync(DOCUMENT, `${old.slice(0, start + from.length)}\n\n${text}\n\n${old.slice(end)}`);
}

main(program.args.length > 0 ? program.args : Object.keys(BENCHMARKS), program.opts<Options>()).catch((error: Error) => {
  console.error(error.message);
  process.exitCode = 1;
});
