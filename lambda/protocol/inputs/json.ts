import { Tokenizer, TokenizerError, TokenType } from '@streamparser/json';
import { InvalidInput } from '../errors';
import { checkJson, Found, MAX_RECORD_BYTES, tooLong } from './lines';
import { excerpt, Text } from './text';
import { showUri } from './uri';

/** Finds the elements of the one JSON array that an object holds. */
export async function findElements(text: Text, found: Found): Promise<void> {
  const place = (): string => `element ${elements.count + 1} (line ${line})`;
  let line = 1;
  const elements: Elements = new Elements(text.start, 0, {
    element: (json, start, end) => {
      const before = json.length - json.trimStart().length;
      line += newlines(json.slice(0, before));
      checkJson(text, place(), json, 'a JSON value');
      found(start, end);
      line += newlines(json.slice(before));
    },
    wrong: (problem) => new InvalidInput(`items.s3.uri: ${place()} of ${showUri(text.object)}: ${problem}, allowed: one JSON array`),
    tooLong: () => tooLong(text, place()),
    skipped: (json) => { line += newlines(json); },
  });
  for await (const chunk of text.chunks) elements.write(chunk);
  elements.end();
}

/** The JSON texts of a run of elements, with the commas between them. */
export function readElements(bytes: Uint8Array): string[] {
  const texts: string[] = [];
  const elements = new Elements(0, 1, {
    element: (json) => { texts.push(json.trim()); },
    wrong: (problem) => new Error(`the index does not fit the object: ${problem}`),
    tooLong: () => new Error('the index does not fit the object'),
    skipped: () => undefined,
  });
  elements.write(bytes);
  elements.endOfRun();
  return texts;
}

interface Listener {
  element(json: string, start: number, end: number): void;
  wrong(problem: string): Error;
  tooLong(): Error;
  /** Text between elements that is none. */
  skipped(json: string): void;
}

/**
 * Cuts an array into the texts of its elements. They stay as they were written: a number of 20 digits reaches a worker that
 * can read it. The tokenizer knows where strings end, so that only commas of the array itself are seen.
 */
class Elements {
  count = 0;
  private readonly tokenizer = new Tokenizer();
  private held: Uint8Array[] = [];
  private heldBytes = 0;
  private chunk: Uint8Array = new Uint8Array();
  private chunkAt: number;
  /** Where the element under way begins. */
  private start: number;
  private state: 'before' | 'inside' | 'behind';
  private problem?: Error;

  constructor(private readonly offset: number, private depth: number, private readonly listener: Listener) {
    this.start = this.chunkAt = offset;
    this.state = depth === 0 ? 'before' : 'inside';
    this.tokenizer.onToken = ({ token, value, offset: at }) => {
      if (!this.problem) this.token(token, String(value), this.offset + at);
    };
    // it hands what a callback threw to its error callback, too
    this.tokenizer.onError = (error) => {
      this.problem ??= error instanceof TokenizerError ? this.listener.wrong(`got ${excerpt(this.rest())} (${error.message})`) : error;
    };
  }

  write(bytes: Uint8Array): void {
    this.chunk = bytes;
    this.guard(() => this.tokenizer.write(bytes));
    const from = Math.max(0, this.start - this.chunkAt);
    if (from < bytes.length) {
      this.held.push(bytes.subarray(from));
      this.heldBytes += bytes.length - from;
      if (this.heldBytes > MAX_RECORD_BYTES && this.state === 'inside') throw this.listener.tooLong();
    }
    if (this.state !== 'inside') this.drop();
    this.chunkAt += bytes.length;
    this.chunk = new Uint8Array();
  }

  end(): void {
    if (this.state === 'inside') throw this.listener.wrong(`the array is not closed, its end is ${excerpt(this.rest().slice(-80))}`);
    this.guard(() => this.tokenizer.end());
    if (this.state === 'before') throw this.listener.wrong('there is no array');
  }

  endOfRun(): void {
    const last = this.rest();
    if (last.trim() !== '') this.listener.element(last, this.start, this.chunkAt);
  }

  private token(token: TokenType, value: string, at: number): void {
    if (this.state === 'before') {
      if (token !== TokenType.LEFT_BRACKET) throw this.listener.wrong(`got ${excerpt(value)} at its beginning`);
      this.state = 'inside';
      this.depth = 1;
      this.listener.skipped(this.upTo(at + 1));
    } else if (this.state === 'behind') {
      throw this.listener.wrong(`got ${excerpt(value)} behind the array`);
    } else if (this.depth === 1 && token === TokenType.COMMA) {
      this.close(at, true);
    } else if (this.depth === 1 && (token === TokenType.RIGHT_BRACKET || token === TokenType.RIGHT_BRACE)) {
      if (token === TokenType.RIGHT_BRACE) throw this.listener.wrong('got "}" in place of "]"');
      this.close(at, this.count > 0);
      this.state = 'behind';
    } else if (token === TokenType.LEFT_BRACKET || token === TokenType.LEFT_BRACE) {
      this.depth++;
    } else if (token === TokenType.RIGHT_BRACKET || token === TokenType.RIGHT_BRACE) {
      this.depth--;
    }
  }

  private close(at: number, mustHold: boolean): void {
    const start = this.start;
    const json = this.upTo(at);
    if (json.trim() !== '') {
      this.listener.element(json, start, at);
      this.count++;
    } else if (mustHold) {
      throw this.listener.wrong('got nothing between two commas or behind the last');
    } else {
      this.listener.skipped(json);
    }
    this.start = at + 1;
  }

  /** The text from the element's beginning to here; the next one begins here. */
  private upTo(at: number): string {
    const bytes = Buffer.concat([...this.held, this.chunk.subarray(Math.max(0, this.start - this.chunkAt), at - this.chunkAt)]);
    if (bytes.length > MAX_RECORD_BYTES) throw this.listener.tooLong();
    this.drop();
    this.start = at;
    return bytes.toString('utf8');
  }

  private rest(): string {
    return Buffer.concat([...this.held, this.chunk.subarray(Math.max(0, this.start - this.chunkAt))]).subarray(0, MAX_RECORD_BYTES).toString('utf8');
  }

  private drop(): void {
    this.held = [];
    this.heldBytes = 0;
  }

  private guard(action: () => void): void {
    action();
    if (this.problem) throw this.problem;
  }
}

function newlines(text: string): number {
  let count = 0;
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) count++;
  return count;
}
