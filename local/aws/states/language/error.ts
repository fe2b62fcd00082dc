/**
 * An error of a state, as `Retry` and `Catch` see it. Names beginning with `States.` are Step Functions' own; others are
 * the `name` of what a function threw.
 */
export class StateError extends Error {
  override readonly name: string;

  constructor(error: string, cause: string) {
    super(cause);
    this.name = error;
  }
}

/** Errors that end the execution at once: no Retry and no Catch sees them, not even by `States.ALL`. */
const TERMINAL: ReadonlySet<string> = new Set(['States.DataLimitExceeded', 'States.Runtime']);

/** Whether an `ErrorEquals` names this error, with Step Functions' wildcards. */
export function names(errorEquals: readonly string[], error: StateError): boolean {
  return errorEquals.some((name) => matches(name, error.name));
}

function matches(name: string, error: string): boolean {
  if (TERMINAL.has(error)) return false;
  if (name === 'States.ALL' || name === error) return true;
  if (name === 'States.Timeout') return false;
  return name === 'States.TaskFailed' && error !== 'States.Timeout';
}

/** An input or a path that does not fit the definition: Step Functions ends the execution with this. */
export function runtimeError(cause: string): StateError {
  return new StateError('States.Runtime', cause);
}
