import { pauseMs } from '../../client/polling';

/** Looks in each of the first minutes of a wait, if a look took no time. */
function looksPerMinute(minutes: number): number[] {
  const looks = Array<number>(minutes).fill(0);
  for (let ms = 0; ms < minutes * 60_000; ms += pauseMs(ms)) looks[Math.floor(ms / 60_000)]++;
  return looks;
}

test('a wait looks often at first and seldom later, as its description says', () => {
  const [first, second, ...later] = looksPerMinute(60);
  expect(first).toBe(57);
  expect(second).toBeLessThanOrEqual(20);
  expect(Math.max(...later)).toBe(12);
});
