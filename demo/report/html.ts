/** Markup that is not escaped again. */
export class Html {
  constructor(readonly text: string) {}
}

type Part = string | number | undefined | Html | readonly Html[];

/** A template tag: what is put in is escaped, unless it is markup itself. */
export function html(strings: TemplateStringsArray, ...parts: Part[]): Html {
  return new Html(strings.map((text, i) => (i === 0 ? '' : markup(parts[i - 1])) + text).join(''));
}

function markup(part: Part): string {
  if (part instanceof Html) return part.text;
  if (Array.isArray(part)) return part.map(({ text }: Html) => text).join('\n');
  return String(part ?? '').replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

const NUMBERS = new Intl.NumberFormat('en');

/** 1234567 -> 1,234,567 */
export function grouped(value: number): string {
  return NUMBERS.format(value);
}

/** 'batch', 2 -> '2 batches' */
export function counted(value: number, one: string, many = `${one}s`): string {
  return `${grouped(value)} ${value === 1 ? one : many}`;
}
