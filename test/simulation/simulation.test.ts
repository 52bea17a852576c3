import { VirtualClock } from '../../simulation/clock';
import { FAULT_KINDS } from '../../simulation/faults';
import { Figures, replay, simulate } from '../../simulation/fleet';

/** What to read when a seed fails: what went wrong, and how to get the whole story. */
function failures({ failed }: Figures): string[] {
  return failed.map(({ seed, violations }) => `npm run simulate -- --seed ${seed}: ${violations.join('\n')}`);
}

describe('the protocol under faults', () => {
  test('keeps its promises in 20,000 runs', async () => {
    const figures = await simulate({ from: 1, seeds: 20_000 });
    expect(failures(figures)).toEqual([]);
    expect(figures.seeds).toBe(20_000);
    expect(figures.ends.SUCCEEDED).toBeGreaterThan(8_000);
    expect(figures.ends['SUCCEEDED after redrive']).toBeGreaterThan(1_000);
    for (const end of ['FAILED', 'TIMED_OUT', 'CANCELLED', 'FAILED after redrive']) expect(figures.ends[end]).toBeGreaterThan(100);
    // a kind of fault that no longer happens would make the rest worth less
    expect(Object.keys(FAULT_KINDS).filter((kind) => !((figures.faults as Record<string, number>)[kind] > 100))).toEqual([]);
  }, 300_000);

  test('keeps them with the group sizes of production, too', async () => {
    expect(failures(await simulate({ from: 1, seeds: 300, scale: 'real' }))).toEqual([]);
  });

  test('a seed tells the same story every time', async () => {
    const [first, second] = [await replay(12), await replay(12)];
    expect(first.trace!.split('\n').length).toBeGreaterThan(20);
    expect(second).toEqual(first);
  });
});

describe('the virtual clock', () => {
  test('fires timers by time, those for the same time in the order they were set, and none that was cancelled', async () => {
    const clock = new VirtualClock(0);
    const fired: string[] = [];
    const cancelled = new AbortController();
    const wait = (name: string, ms: number, signal?: AbortSignal) => clock.sleep(ms, signal).then(() => fired.push(`${name}@${clock.now()}`));
    const all = [wait('c', 30), wait('a', 10), wait('x', 20, cancelled.signal), wait('b', 10), ...Array.from({ length: 50 }, (_, i) => wait(`n${i}`, 100 - i))];
    cancelled.abort();
    await clock.run(Promise.all(all));
    expect(fired.slice(0, 4)).toEqual(['x@0', 'a@10', 'b@10', 'c@30']);
    expect(fired.slice(4)).toEqual(Array.from({ length: 50 }, (_, i) => `n${49 - i}@${51 + i}`));
    expect(clock.now()).toBe(100);
  });

  test('says so when nobody can go on, or too long', async () => {
    await expect(new VirtualClock().run(new Promise(() => undefined))).rejects.toThrow('deadlock');
    const clock = new VirtualClock(0, 10);
    const forever = async () => { for (;;) await clock.sleep(1); };
    await expect(clock.run(forever())).rejects.toThrow('still going after 10 steps');
  });
});
