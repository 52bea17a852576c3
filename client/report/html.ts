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

/** A page that loads nothing and runs no script. `title` is escaped, `style` is CSS. */
export function page(title: string, style: string, body: Html): string {
  return html`<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<link rel="icon" href="data:,">
<title>${title}</title>
<style>${new Html(style)}</style>
</head>
<body>
<a class="skip" href="#content">Skip to the content</a>
${body}
</body>
</html>
`.text;
}

/** JSON for a script element that is data: nothing in it can end the element. */
export function jsonBlock(id: string, value: unknown): Html {
  return new Html(`<script type="application/json" id="${id}">${JSON.stringify(value).replace(/</g, '\\u003c')}</script>`);
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

const shortly = (value: number) => NUMBERS.format(Number(value.toPrecision(3)));

/** 1234 -> 1.23 s, 754000 -> 12 min 34 s */
export function duration(ms: number): string {
  if (ms < 1000) return `${grouped(Math.round(ms))} ms`;
  if (ms < 119_950) return `${shortly(ms / 1000)} s`;
  const parts = (unit: number, large: string, small: string) => {
    const units = Math.round(ms / unit);
    return `${grouped(Math.floor(units / 60))} ${large}${units % 60 === 0 ? '' : ` ${units % 60} ${small}`}`;
  };
  return ms < 7_200_000 ? parts(1000, 'min', 's') : parts(60_000, 'h', 'min');
}

/** 0.00012345 -> $0.000123 */
export function money(dollars: number): string {
  return `$${dollars >= 100 ? NUMBERS.format(Math.round(100 * dollars) / 100) : new Intl.NumberFormat('en', { maximumSignificantDigits: 3 }).format(dollars)}`;
}
