import { writeFileSync } from 'node:fs';
import { messageOf } from '../../aws/errors.ts';
import { CommandFailed } from '../errors/failure.ts';

/** Writes a file that a person has asked for. @param shownAs the path as it was written @throws CommandFailed */
export function writeFor(file: string, shownAs: string, text: string): void {
  try {
    writeFileSync(file, text);
  } catch (error) {
    throw new CommandFailed(`${shownAs} cannot be written: ${messageOf(error)}`);
  }
}
