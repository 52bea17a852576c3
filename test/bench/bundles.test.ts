import { readFileSync } from 'fs';
import * as path from 'path';

/** What a new environment loads before it can start. */
const bundle = (name: string) => readFileSync(path.join(__dirname, '..', '..', 'assets', 'lambda', name, 'index.js'), 'utf8');

test('the dispatcher carries nothing that only the monitor needs, and neither carries messages in all languages', () => {
  const [dispatcher, monitor] = [bundle('dispatcher'), bundle('monitor')];
  expect(monitor).toContain('ZodError'); // the request's schema
  expect(dispatcher).not.toContain('ZodError');
  expect(monitor).not.toContain('ltige Eingabe'); // German, one of zod's forty locales
});
