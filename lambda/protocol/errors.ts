/** Errors whose names are part of the interface: they become the execution's error. */

class ProtocolError extends Error {
  constructor(name: string, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = name;
  }
}

/** The request is wrong; the message names the field, the value and what is allowed. Never retried. */
export class InvalidRequest extends ProtocolError {
  constructor(message: string) {
    super('InvalidRequest', message);
  }
}

/** A function was called with what none of its callers sends; the message names the field. Nothing was touched. */
export class InvalidEvent extends ProtocolError {
  constructor(message: string) {
    super('InvalidEvent', message);
  }
}

/** What the request points to cannot be used; the message names the object, the line and what is wrong there. Never retried. */
export class InvalidInput extends ProtocolError {
  constructor(message: string) {
    super('InvalidInput', message);
  }
}

/** An object with items is not any more what it was when the job was prepared. */
export class InputChanged extends ProtocolError {
  constructor(message: string) {
    super('InputChanged', message);
  }
}

/** The name was used by another job, or the request differs from the one stored under it. */
export class JobExists extends ProtocolError {
  constructor(message: string) {
    super('JobExists', message);
  }
}

/** The combiner threw or returned what cannot be stored. */
export class CombinerFailed extends ProtocolError {
  constructor(message: string) {
    super('CombinerFailed', message);
  }
}

/** Leads a job that did not succeed to the Finish state. */
export class JobNotSucceeded extends ProtocolError {
  constructor(message: string) {
    super('JobNotSucceeded', message);
  }
}

/** No object under this key. */
export class PayloadMissing extends ProtocolError {
  constructor(key: string) {
    super('PayloadMissing', `no object at ${key}`);
  }
}

/** The table will never take this write: the row is larger than 400 KB, or what it says cannot be stored. */
export class RowRefused extends ProtocolError {
  constructor(message: string, cause?: unknown) {
    super('RowRefused', message, { cause });
  }
}

/** AWS will not let us: a permission is missing, or a resource is gone. Trying again does not help. */
export class NotAllowed extends ProtocolError {
  constructor(message: string, cause?: unknown) {
    super('NotAllowed', message, { cause });
  }
}

/** Worth another try by the state machine. */
export class Transient extends ProtocolError {
  constructor(message: string, cause?: unknown) {
    super('Transient', message, { cause });
  }
}

/** The stored state of the job does not allow this step. */
export class JobState extends ProtocolError {
  constructor(message: string) {
    super('JobState', message);
  }
}
