const AT_ONCE = 64;

/** Makes calls, 64 at a time, after a few that are not counted; prints the processor time of each in ms, and calls per second. */
export async function measure(call: () => Promise<unknown>): Promise<void> {
  const run = async (calls: number) => {
    let left = calls;
    await Promise.all(Array.from({ length: AT_ONCE }, async () => {
      while (left-- > 0) await call();
    }));
  };
  const calls = Number(process.argv[3]);
  await run(Math.ceil(calls / 4));
  const [cpu, wall] = [process.cpuUsage(), performance.now()];
  await run(calls);
  const { user, system } = process.cpuUsage(cpu);
  console.log(JSON.stringify({ cpuMs: (user + system) / 1_000 / calls, perSecond: (calls * 1_000) / (performance.now() - wall) }));
  process.exit(0);
}
