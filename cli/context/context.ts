import type { Clock, MakeNonce } from '../../experiment/util/clock.ts';
import type { Target } from './target.ts';

/** Where answers go. Nothing but this writes. */
export interface Terminal {
  /** A line of the answer, on standard output. */
  say(line: string): void;
  /** The answer for machines, on standard output. */
  json(value: unknown): void;
  /** Text of the answer; in a file or a pipe as it is. Resolves when there is room for more. */
  write(text: string): Promise<void>;
  /** The same, on standard error. */
  writeBeside(text: string): Promise<void>;
  /** A remark that is no part of the answer, on standard error. */
  remark(text: string): void;
  /** What a display that moves needs of a terminal, and what has our own colours. Takes no text of others. */
  output: { write(text: string): unknown; columns?: number; rows?: number };
  /** A person watches standard output. */
  interactive: boolean;
  /** A question can be asked and answered. */
  asks: boolean;
  colour: boolean;
}

/** The options by which every command finds the system that it talks to. */
export interface TargetOptions {
  local?: true | undefined;
  stack?: string | undefined;
  region?: string | undefined;
  profile?: string | undefined;
}

/** What a command is given beside its own arguments. */
export interface Context {
  terminal: Terminal;
  /** Answer as JSON. */
  asJson: boolean;
  clock: Clock;
  nonce: MakeNonce;
  /** Where the user is, absolute. */
  cwd: string;
  /** The user's home folder, absolute. */
  home: string;
  /** The folder of this package: schema and scripts lie in it. Absolute, with a slash at the end. */
  packageFolder: string;
  /** A deployment was named by an option or by the environment. */
  hasStack: boolean;
  /** The system that the options and the environment mean. @throws CommandFailed when it cannot be reached */
  target(): Promise<Target>;
  /** A sentence that is told when the user ends the command by Ctrl-C. */
  whenInterrupted(sentence: string): void;
  /** Ctrl-C is the command's own affair from here on. */
  takeInterruption(): void;
}

/** How a command is run; its definition only says what there is. */
export interface Running {
  /** Runs a command, shows its failure as a sentence, and keeps its exit code. */
  begin(
    options: TargetOptions & { json?: true | undefined },
    command: (context: Context) => Promise<number>,
  ): Promise<void>;
}
