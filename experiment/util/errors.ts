/**
 * The errors of the control plane. Two families, because Step Functions and Lambda only need to know one thing
 * of an error: whether trying again can help. Names are literal: bundling changes class names, and
 * `ErrorEquals` in the state machine matches on `name`.
 */

/** Trying again cannot help: the cause lies in what was asked for. */
export abstract class TerminalError extends Error {
  abstract override readonly name: string;
}

/** Trying again may help: the cause lies in the surroundings. */
export abstract class TransientError extends Error {
  abstract override readonly name: string;
}

/** AWS throttled, failed or did not answer. */
export class ServiceUnavailable extends TransientError {
  override readonly name = 'ServiceUnavailable';
}

/** Another copy of the same function changed the record first. */
export class ControlConflict extends TransientError {
  override readonly name = 'ControlConflict';
}

/** The run was told to end, and its job is not dead yet. The state machine's `Stop` retries on this name. */
export class StillStopping extends TransientError {
  override readonly name = 'StillStopping';
}

/** The run cannot go on; `message` is the sentence shown to its owner. */
export class RunRefused extends TerminalError {
  override readonly name = 'RunRefused';
}

/** An event or a record that this system did not write, or not in this version. */
export class UnknownRecord extends TerminalError {
  override readonly name = 'UnknownRecord';
}

/** Two different sources claim one run id. */
export class RunIdCollision extends TerminalError {
  override readonly name = 'RunIdCollision';
}
