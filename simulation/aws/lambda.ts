import { Values } from './parameters';

interface Pool {
  /** Environments that wait for a call. */
  idle: number;
  /** Environments that may be started now. */
  tokens: number;
  refilledAt: number;
  started: number;
}

/**
 * Who may run when, in one account and Region: idle environments are used again, new ones come at the ramp of their function, and all
 * that run together keep to the account's limit. Environments stay: no simulated job lasts as long as Lambda keeps idle ones.
 */
export class LambdaModel {
  running = 0;
  peak = 0;
  throttles = 0;
  private readonly pools = new Map<string, Pool>();

  constructor(private readonly values: Values, private readonly accountConcurrency: number) {}

  /** Takes a place for one call; undefined: throttled (429). */
  begin(name: string, now: number): 'cold' | 'warm' | undefined {
    const pool = this.pool(name, now);
    if (this.running >= this.accountConcurrency || (pool.idle === 0 && !this.refill(pool, now))) {
      this.throttles++;
      return undefined;
    }
    this.peak = Math.max(this.peak, ++this.running);
    if (pool.idle > 0) {
      pool.idle--;
      return 'warm';
    }
    pool.tokens--;
    pool.started++;
    return 'cold';
  }

  end(name: string): void {
    this.running--;
    this.pools.get(name)!.idle++;
  }

  /** How many environments of a function there are. */
  environments(name: string): number {
    return this.pools.get(name)?.started ?? 0;
  }

  private pool(name: string, now: number): Pool {
    let pool = this.pools.get(name);
    if (!pool) this.pools.set(name, pool = { idle: 0, tokens: this.values.rampBurst, refilledAt: now, started: 0 });
    return pool;
  }

  private refill(pool: Pool, now: number): boolean {
    pool.tokens = Math.min(this.values.rampBurst, pool.tokens + ((now - pool.refilledAt) / 1000) * this.values.rampPerSecond);
    pool.refilledAt = now;
    return pool.tokens >= 1;
  }
}
