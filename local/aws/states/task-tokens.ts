import { InvalidToken, TaskDoesNotExist, TaskTimedOut } from '@aws-sdk/client-sfn';
import type { MakeNonce } from '../../../experiment/util/clock.ts';
import { StateError } from './language/error.ts';
import type { Json } from './language/json.ts';

/** A task that waits for its token to be sent back. */
export interface WaitingTask {
  token: string;
  /** What SendTaskSuccess brought; rejects when the task is failed from outside. */
  completion: Promise<Json>;
  /** Nobody has completed it, and its time is not over. */
  isOpen(): boolean;
  /** The token is worth nothing from now on. */
  close(): void;
}

type Settle = Pick<PromiseWithResolvers<Json>, 'resolve' | 'reject'>;

const PREFIX = 'token-';
const $metadata = { httpStatusCode: 400 };

/** The tokens that Step Functions has given out: each completes its task once. */
export class TaskTokens {
  readonly #nonce: MakeNonce;
  /** undefined: the task was completed, timed out, or its execution is over. */
  readonly #tokens = new Map<string, Settle | undefined>();

  constructor(nonce: MakeNonce) {
    this.#nonce = nonce;
  }

  open(): WaitingTask {
    const token = `${PREFIX}${this.#nonce()}`;
    const { promise, resolve, reject } = Promise.withResolvers<Json>();
    this.#tokens.set(token, { resolve, reject });
    return {
      token,
      completion: promise,
      isOpen: () => this.#tokens.get(token) !== undefined,
      close: () => this.#tokens.set(token, undefined),
    };
  }

  /** @throws InvalidToken, TaskDoesNotExist, TaskTimedOut as the SDK throws them */
  succeed(token: string | undefined, output: Json): void {
    this.#take(token).resolve(output);
  }

  /** @throws InvalidToken, TaskDoesNotExist, TaskTimedOut */
  fail(token: string, error: string, cause: string): void {
    this.#take(token).reject(new StateError(error, cause));
  }

  #take(token: string | undefined): Settle {
    const waiting = this.#find(token);
    this.#tokens.set(token ?? '', undefined);
    return waiting;
  }

  #find(token = ''): Settle {
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
