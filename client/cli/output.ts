import { once } from 'node:events';
import { constants, createWriteStream } from 'node:fs';
import { access, link, unlink } from 'node:fs/promises';
import * as path from 'node:path';
import { finished } from 'node:stream/promises';
import Table from 'cli-table3';
import { UsageError } from './errors';

/** So many of something: `1 batch`, `2 batches`. */
export function count(many: number | string, one: string, more = `${one}s`): string {
  return `${many} ${String(many) === '1' ? one : more}`;
}

/** Batches of a job, or what they are where they are unlike tasks. */
export const pieces = (many: number | string, hasTasks = false) => (hasTasks ? count(many, 'task') : count(many, 'batch', 'batches'));

/** Where a result goes: standard output, or a file that is complete once it is there. */
export class Output {
  /** Refuses a file that exists, or could not be written, before anything is started for it. */
  static async to(file?: string): Promise<Output> {
    if (file === undefined) return new Output();
    const exists = await access(file).then(() => true, () => false);
    if (exists) throw new UsageError(`${file} exists already: choose another file, or remove it first`);
    try {
      await access(path.dirname(path.resolve(file)), constants.W_OK);
    } catch (error) {
      throw new UsageError(`${file} cannot be written: ${(error as Error).message}`);
    }
    return new Output(file);
  }

  private constructor(private readonly file?: string) {}

  async write(chunks: AsyncIterable<string> | Iterable<string>): Promise<void> {
    if (this.file === undefined) return this.pour(chunks, process.stdout);
    const part = `${this.file}.${process.pid}.part`;
    const stream = createWriteStream(part, { flags: 'wx' });
    try {
      await once(stream, 'open');
      await this.pour(chunks, stream);
      await finished(stream.end());
    } catch (error) {
      stream.destroy();
      await unlink(part).catch(() => undefined);
      throw error;
    }
    try {
      await link(part, this.file); // unlike a rename, never over another file
    } catch (error) {
      throw new UsageError(`${this.file} has come into being meanwhile (${(error as Error).message}): the result is in ${part}`);
    }
    await unlink(part);
  }

  private async pour(chunks: AsyncIterable<string> | Iterable<string>, stream: NodeJS.WritableStream): Promise<void> {
    for await (const chunk of chunks) if (!stream.write(chunk)) await once(stream, 'drain');
  }
}

export function printJson(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value, undefined, process.stdout.isTTY ? 2 : undefined)}\n`);
}

/** Rows below a head, without lines: the shell's tools can cut them. */
export function printTable(head: string[], rows: (string | number)[][]): void {
  const nothing = Object.fromEntries(['top', 'top-mid', 'top-left', 'top-right', 'bottom', 'bottom-mid', 'bottom-left', 'bottom-right', 'left', 'left-mid',
    'mid', 'mid-mid', 'right', 'right-mid'].map((name) => [name, '']));
  const table = new Table({ head, chars: { ...nothing, middle: '  ' }, style: { 'head': [], 'border': [], 'padding-left': 0, 'padding-right': 0 } });
  table.push(...rows);
  process.stdout.write(`${table.toString().split('\n').map((line) => line.trimEnd()).join('\n')}\n`);
}
