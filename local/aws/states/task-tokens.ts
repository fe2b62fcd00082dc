import { InvalidToken, TaskDoesNotExist, TaskTimedOut } from '@aws-sdk/client-sfn';
import type { Clock, MakeNonce } from '../../../experiment/util/clock.ts';
import { StateError } from './language/error.ts';
import type { Json } from './language/json.ts';

/** A task that waits for its token to be sent back. */
export interface WaitingTask {
  token: string;
  /** What SendTaskSuccess brought; rejects with what SendTaskFailure said. */
  completion: Promise<Json>;
  /** When it was last heard of, in milliseconds since the epoch. */
  lastBeat(): number;
  /** Nobody has completed it, and its time is not over. */
  isOpen(): boolean;
  /** The token is worth nothing from now on. */
  close(): void;
}

interface Waiting {
  succeed(output: Json): void;
  fail(error: StateError): void;
  lastBeat: number;
}

const PREFIX = 'token-';
const $metadata = { httpStatusCode: 400 };

/** The tokens that Step Functions has given out: each completes its task once. */
export class TaskTokens {
  readonly #clock: Clock;
  readonly #nonce: MakeNonce;
  /** undefined: the task was completed, timed out, or its execution is over. */
  readonly #tokens = new Map<string, Waiting | undefined>();

  constructor(clock: Clock, nonce: MakeNonce) {
    this.#clock = clock;
    this.#nonce = nonce;
  }

  open(): WaitingTask {
    const token = `${PREFIX}${this.#nonce()}`;
    const { promise, resolve, reject } = Promise.withResolvers<Json>();
    const waiting: Waiting = { succeed: resolve, fail: reject, lastBeat: this.#clock.now() };
    this.#tokens.set(token, waiting);
    return {
      token,
      completion: promise,
      lastBeat: () => waiting.lastBeat,
      isOpen: () => this.#tokens.get(token) !== undefined,
      close: () => this.#tokens.set(token, undefined),
    };
  }

  /** @throws InvalidToken, TaskDoesNotExist, TaskTimedOut as the SDK throws them */
  succeed(token: string | undefined, output: Json): void {
    this.#take(token).succeed(output);
  }

  /** @throws InvalidToken, TaskDoesNotExist, TaskTimedOut */
  fail(token: string | undefined, error: string, cause: string): void {
    this.#take(token).fail(new StateError(error, cause));
  }

  /** @throws InvalidToken, TaskDoesNotExist, TaskTimedOut */
  beat(token: string | undefined): void {
    this.#find(token).lastBeat = this.#clock.now();
  }

  #take(token: string | undefined): Waiting {
    const waiting = this.#find(token);
    this.#tokens.set(token ?? '', undefined);
    return waiting;
  }

  #find(token = ''): Waiting {
    if (!token.startsWith(PREFIX))
      throw new InvalidToken({ message: "Invalid Token: 'Invalid token'", $metadata });
    if (!this.#tokens.has(token))
      throw new TaskDoesNotExist({ message: 'no task was ever given this token', $metadata });
    const waiting = this.#tokens.get(token);
    if (waiting === undefined)
      throw new TaskTimedOut({
        message: "Task Timed Out: 'Provided task does not exist anymore'",
        $metadata,
      });
    return waiting;
  }
}
