/** The story of one run: who did what when. Kept only where somebody will read it. */
export class Trace {
  private readonly lines: string[] = [];

  constructor(readonly isOn: boolean, private readonly now: () => number) {}

  /** `what` is put together only when the trace is kept. */
  tell(who: string, what: () => string): void {
    if (this.isOn) this.lines.push(`${(this.now() / 1000).toFixed(3).padStart(9)} s  ${who.padEnd(22)} ${what()}`);
  }

  fault(who: string, what: () => string): void {
    this.tell(who, () => `!! ${what()}`);
  }

  text(): string {
    return this.lines.join('\n');
  }
}

export function short(value: unknown, length = 160): string {
  const text = JSON.stringify(value, (key, v: unknown) => (v instanceof Set ? [...v] : key === 'plan' ? '...' : v)) ?? 'undefined';
  return text.length > length ? `${text.slice(0, length)}...` : text;
}
