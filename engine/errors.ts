/** Something that the user can put right; its message says what is wrong and what to do, so no stack trace is needed. */
export class EngineError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'EngineError';
  }
}
