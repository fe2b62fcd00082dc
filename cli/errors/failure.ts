import { EXIT } from '../../experiment/records/exit-code.ts';

/** A command could not do what it was asked; the message is the sentence that its user reads. */
export class CommandFailed extends Error {
  override readonly name = 'CommandFailed';
  readonly exitCode: number;

  /** @param exitCode 2 where the request or the machine is at fault, 1 where the answer is a bad one */
  constructor(message: string, exitCode: number = EXIT.badEnvironment) {
    super(message);
    this.exitCode = exitCode;
  }
}

/** No stack was named, and in this folder there is no trace of a local system. */
export class NoSystemHere extends CommandFailed {}
