import { readFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import { UsageError } from './errors';

/** A job's request from a file, or from standard input for `-`. */
export async function readRequest(file: string): Promise<unknown> {
  let content: string;
  try {
    content = file === '-' ? await text(process.stdin) : await readFile(file, 'utf8');
  } catch (error) {
    throw new UsageError(`the request ${file} cannot be read: ${(error as Error).message}`);
  }
  try {
    return JSON.parse(content);
  } catch (error) {
    throw new UsageError(`the request ${file === '-' ? 'on standard input' : file} is not JSON: ${(error as Error).message}`);
  }
}
