import { Window } from '../../lambda/protocol/window';

test('a window is cut to what still runs, once for a whole generation of throttled calls', () => {
  const window = new Window(64);
  // 64 calls, of which Lambda takes 6: the others come back one by one
  for (let running = 63; running >= 6; running--) window.throttled(running, 0);
  expect(window.current).toBe(6);
  window.throttled(6, 0); // one call more was tried, and nothing lost by it
  expect(window.current).toBe(6);
});

test('it doubles within the time of one call, up to its limit', () => {
  const window = new Window(64);
  window.throttled(6, 0);
  const after = [6, 12, 24, 48].map((calls) => {
    for (let i = 0; i < calls; i++) window.succeeded();
    return window.current;
  });
  expect(after).toEqual([12, 24, 48, 64]);
});

test('with nothing running one call at a time is tried', () => {
  const window = new Window(64);
  window.throttled(0, 0);
  expect(window.current).toBe(1);
});

test('where calls are too long to tell, it is tried wider by two every 100 ms since the last throttle', () => {
  const window = new Window(64);
  window.grow(10_000);
  expect([window.current, window.growsAt]).toEqual([64, Infinity]);
  window.throttled(40, 10_000);
  window.grow(10_099);
  expect([window.current, window.growsAt]).toEqual([40, 10_100]);
  window.grow(10_100);
  window.grow(10_150);
  expect(window.current).toBe(42);
  window.throttled(3, 10_160);
  window.grow(10_260);
  expect(window.current).toBe(5);
});
