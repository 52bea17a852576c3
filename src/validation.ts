import { Duration, Stack, Token } from 'aws-cdk-lib';
import { IFunction } from 'aws-cdk-lib/aws-lambda';
import { Construct } from 'constructs';

/** What a number may be. */
export interface NumberRange {
  readonly whole?: boolean;
  readonly min: number;
  readonly max?: number;
  /** What to do instead. */
  readonly advice?: string;
}

/** Checks props; tokens always pass, since nobody can compare them yet. */
export class Checker {
  constructor(private readonly scope: Construct) {}

  /** @throws an Error that ends with the path of the construct */
  public fail(message: string): never {
    throw new Error(`${message} (in '${this.scope.node.path}')`);
  }

  public number(name: string, value: number, range: NumberRange, unit = ''): number {
    if (Token.isUnresolved(value)) {
      return value;
    }
    const isNumber = typeof value === 'number' && (range.whole ? Number.isSafeInteger(value) : Number.isFinite(value));
    if (!isNumber || value < range.min || (range.max !== undefined && value > range.max)) {
      const bounds = range.max === undefined ? `of at least ${range.min}` : `from ${range.min} to ${range.max}`;
      const advice = range.advice === undefined ? '' : `; ${range.advice}`;
      this.fail(`${name} must be a ${range.whole ? 'whole ' : ''}number ${unit && `of ${unit} `}${bounds}, got ${value}${advice}`);
    }
    return value;
  }

  /** The duration in whole seconds. */
  public duration(name: string, value: Duration, range: NumberRange): number {
    return value.isUnresolved()
      ? value.toSeconds() // refuses a token in another unit
      : this.number(name, value.toSeconds({ integral: false }), { ...range, whole: true }, 'seconds');
  }

  /** Synchronous calls and permissions stay within one account and Region. */
  public sameEnvironment(name: string, fn: IFunction): void {
    for (const part of ['account', 'region'] as const) {
      const theirs = fn.env[part];
      const ours = this.environment[part];
      if (!Token.isUnresolved(theirs) && !Token.isUnresolved(ours) && theirs !== ours) {
        this.fail(`${name} must be in the ${part} of its BurstCompute, '${ours}', got one in '${theirs}'`);
      }
    }
  }

  /** What is wrong with a function's time-out, if it is known and anything is. */
  public functionTimeout(name: string, seconds: number | undefined, max: number, advice: string): string | undefined {
    return seconds === undefined || seconds <= max
      ? undefined
      : `${name} must have a time-out of at most ${max} seconds (${max / 60} minutes), got ${seconds} seconds: ${advice}`;
  }

  private get environment() {
    return Stack.of(this.scope);
  }
}
