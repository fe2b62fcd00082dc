import type { ExitCode } from '../../experiment/records/exit-code.ts';
import { EXIT } from '../../experiment/records/exit-code.ts';
import type { RunnerReason } from '../../experiment/records/progress.ts';

/** Why a node's run ends: the first cause wins, whatever follows from it. One signal ends every wait. */
export class Ending {
  readonly #controller = new AbortController();
  readonly #first = Promise.withResolvers<RunnerReason>();
  #reason: RunnerReason | undefined;

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Undefined as long as nothing speaks for ending. */
  get reason(): RunnerReason | undefined {
    return this.#reason;
  }

  /** Resolves with the first cause. */
  get promise(): Promise<RunnerReason> {
    return this.#first.promise;
  }

  because(reason: RunnerReason): void {
    if (this.#reason !== undefined) return;
    this.#reason = reason;
    this.#first.resolve(reason);
    this.#controller.abort(new Error(reason.kind));
  }
}

const CODES: Readonly<Record<RunnerReason['kind'], ExitCode>> = {
  succeeded: EXIT.succeeded,
  'tasks-failed': EXIT.tasksFailed,
  'outputs-lacking': EXIT.tasksFailed,
  'finally-failed': EXIT.tasksFailed,
  'too-few-runs': EXIT.tasksFailed,
  'failures-stopped': EXIT.tasksFailed,
  'folder-removed': EXIT.tasksFailed,
  'bad-environment': EXIT.badEnvironment,
  'bad-plan': EXIT.badEnvironment,
  'too-few-joined': EXIT.tooFewJoined,
  'too-many-lost': EXIT.tooManyLost,
  'sierra-failed': EXIT.sierraFailed,
  'not-owner': EXIT.notOwner,
  'budget-used': EXIT.budgetUsed,
  'run-time-limit': EXIT.runTimeLimit,
  terminated: EXIT.terminated,
  'storage-failed': EXIT.badEnvironment,
  internal: EXIT.badEnvironment,
};

/** The exit code that tells a reason. */
export function exitCodeOf(reason: RunnerReason): ExitCode {
  return CODES[reason.kind];
}
