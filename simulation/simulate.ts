import { program } from 'commander';
import { FAULT_KINDS, FaultKind } from './faults';
import { Figures, replay, simulate } from './fleet';
import { MUTANTS } from './mutants';

const number = (text: string) => {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 0) throw new Error(`got ${text}, allowed: an integer of at least 0`);
  return value;
};

program
  .name('simulate')
  .description('Runs the protocol under a virtual clock with injected faults, one job per seed, and checks its invariants')
  .option('--seeds <n>', 'how many seeds to run', number, 20_000)
  .option('--seed <s>', 'run this seed alone, and tell its story', number)
  .option('--from <s>', 'the first seed', number, 1)
  .option('--threads <n>', 'threads to run on', number, 2)
  .option('--scale <scale>', 'small, or real: with the group sizes of production', 'small')
  .option('--mutant <name>', `put a defect into the core: ${Object.keys(MUTANTS).join(', ')}`)
  .parse();

interface Options {
  readonly seeds: number;
  readonly seed?: number;
  readonly from: number;
  readonly threads: number;
  readonly scale: 'small' | 'real';
  readonly mutant?: string;
}

async function main({ seeds, seed, from, threads, scale, mutant }: Options): Promise<void> {
  if (mutant !== undefined && !(mutant in MUTANTS)) throw new Error(`--mutant: got ${mutant}, allowed: ${Object.keys(MUTANTS).join(', ')}`);
  const options = { scale, patches: mutant === undefined ? [] : MUTANTS[mutant].patches };
  if (seed !== undefined) {
    const report = await replay(seed, options);
    console.log(`${report.trace}\n\nseed ${seed}: ${report.end}, ${report.steps} steps, violations: ${report.violations.length}`);
    report.violations.forEach((violation) => console.log(`  ${violation}`));
    process.exitCode = report.violations.length > 0 ? 1 : 0;
    return;
  }
  const startedAt = Date.now();
  const figures = await simulate({ from, seeds, threads, ...options, onProgress: process.stderr.isTTY ? progress(seeds) : undefined });
  print(figures, (Date.now() - startedAt) / 1000);
  for (const { seed: failing, violations } of figures.failed.slice(0, 10)) {
    const again = ['npm run simulate --', `--seed ${failing}`, ...scale === 'small' ? [] : [`--scale ${scale}`], ...mutant === undefined ? [] : [`--mutant ${mutant}`]];
    console.log(`seed ${failing}: ${violations[0]}\n  its story: ${again.join(' ')}`);
  }
  if (figures.failed.length > 0) {
    console.log(`\n${(await replay(figures.failed[0].seed, options)).trace}`);
    process.exitCode = 1;
  }
}

function progress(seeds: number): (figures: Figures) => void {
  return (figures) => process.stderr.write(`\r${figures.seeds} of ${seeds} seeds, violations: ${figures.failed.length}`);
}

function print({ seeds, steps, faults, ends, failed }: Figures, seconds: number): void {
  console.log(`seeds       ${seeds} (${(seconds * 1000 / seeds).toFixed(2)} ms each, ${seconds.toFixed(1)} s in all)`);
  console.log(`steps       ${steps}`);
  for (const [end, count] of Object.entries(ends).sort()) console.log(`  ended ${end.padEnd(32)} ${count}`);
  console.log(`faults      ${Object.values(faults).reduce((sum, count) => sum + count, 0)}`);
  for (const kind of Object.keys(FAULT_KINDS) as FaultKind[]) console.log(`  ${kind.padEnd(18)} ${String(faults[kind] ?? 0).padStart(9)}   ${FAULT_KINDS[kind]}`);
  console.log(`violations  ${failed.length}`);
}

main(program.opts<Options>()).catch((error: Error) => {
  console.error(error.message);
  process.exitCode = 1;
});
