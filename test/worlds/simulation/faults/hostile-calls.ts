import { Readable } from 'node:stream';
import type { BatchPort, EventsPort, MailPort, S3Port, StatesPort } from '../../../../aws/ports.ts';
import type { CallOf } from '../../../support/hostile-ports.ts';
import { hooked } from '../../../support/hostile-ports.ts';
import type { Faults } from './faults.ts';

/** A call, whichever port's. */
export type AnyCall =
  | CallOf<S3Port>
  | CallOf<BatchPort>
  | CallOf<StatesPort>
  | CallOf<EventsPort>
  | CallOf<MailPort>;

/** What the SDK throws of a call that AWS did not serve. */
export function awsError(name: string, httpStatusCode: number): Error {
  return Object.assign(new Error(`simulated ${name}`), { name, $metadata: { httpStatusCode } });
}

/** What it throws when the connection broke: nobody knows how far the call came. */
export function networkError(): Error {
  return Object.assign(new Error('simulated: socket hang up'), { code: 'ECONNRESET' });
}

/** S3 answers 409 when two conditional writes cross, and does neither or one of them. */
export function crosses(call: AnyCall, faults: Faults): boolean {
  return (
    call.name === 'putObject' &&
    (call.input.IfMatch ?? call.input.IfNoneMatch) !== undefined &&
    faults.strikes('write-conflict')
  );
}

/** The SDK repeats a call whose answer was lost, all but SubmitJob's; the second answer is what the caller sees. */
export function repeats(call: AnyCall, faults: Faults): boolean {
  if (call.name === 'submitJob') return false;
  const streams = call.name === 'putObject' && call.input.Body instanceof Readable;
  return !streams && faults.strikes('sdk-retried');
}

/** S3 as a node meets it: calls reach it at last, but writes cross, and one that was done is done again. */
export function nodeS3(s3: S3Port, faults: Faults): S3Port {
  return hooked(s3, async (call, go) => {
    if (crosses(call, faults)) throw awsError('ConditionalRequestConflict', 409);
    const output = await go();
    return repeats(call, faults) ? go() : output;
  });
}
