import { Readable } from 'node:stream';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import type { S3Port } from '../../../../aws/ports.ts';
import type { Faults } from './faults.ts';

/** A command of the SDK, whichever client's. */
export interface SentCommand {
  constructor: { name: string };
  input?: unknown;
}

export type Send = (command: SentCommand) => Promise<unknown>;

/** A client with another `send`: the callers cannot tell. */
export function sendingBy<Port extends { send(command: never): Promise<unknown> }>(
  port: Port,
  around: (send: Send) => Send,
): Port {
  const send = around((command) => Reflect.apply(port.send, port, [command]));
  return new Proxy(port, {
    get: (target, property) => (property === 'send' ? send : Reflect.get(target, property, target)),
  });
}

export function commandName(command: SentCommand): string {
  return command.constructor.name.replace(/Command$/, '');
}

/** What the SDK throws of a call that AWS did not serve. */
export function awsError(name: string, httpStatusCode: number): Error {
  return Object.assign(new Error(`simulated ${name}`), { name, $metadata: { httpStatusCode } });
}

/** What it throws when the connection broke: nobody knows how far the call came. */
export function networkError(): Error {
  return Object.assign(new Error('simulated: socket hang up'), { code: 'ECONNRESET' });
}

/** S3 answers 409 when two conditional writes cross, and does neither or one of them. */
export function crosses(command: SentCommand, faults: Faults): boolean {
  return (
    command instanceof PutObjectCommand &&
    (command.input.IfMatch ?? command.input.IfNoneMatch) !== undefined &&
    faults.strikes('write-conflict')
  );
}

/** The SDK repeats a call whose answer was lost, all but SubmitJob's; the second answer is what the caller sees. */
export function repeats(command: SentCommand, faults: Faults): boolean {
  if (commandName(command) === 'SubmitJob') return false;
  const streams = command instanceof PutObjectCommand && command.input.Body instanceof Readable;
  return !streams && faults.strikes('sdk-retried');
}

/** S3 as a node meets it: calls reach it at last, but writes cross, and one that was done is done again. */
export function nodeS3(s3: S3Port, faults: Faults): S3Port {
  return sendingBy(s3, (send) => async (command) => {
    if (crosses(command, faults)) throw awsError('ConditionalRequestConflict', 409);
    const output = await send(command);
    return repeats(command, faults) ? send(command) : output;
  });
}
