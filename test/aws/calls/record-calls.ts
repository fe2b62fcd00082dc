import { BatchInProcess } from '../../../local/aws/batch/batch-in-process.ts';
import { EventsInProcess } from '../../../local/aws/notify/events-in-process.ts';
import { MailInProcess } from '../../../local/aws/notify/mail-in-process.ts';
import { S3InProcess } from '../../../local/aws/s3/s3-in-process.ts';
import { StatesInProcess } from '../../../local/aws/states/states-in-process.ts';
import type { RecordedCall } from './recorded-call.ts';
import { recordCall } from './recorded-call.ts';

const PORTS = [
  ['S3', S3InProcess],
  ['Batch', BatchInProcess],
  ['SFN', StatesInProcess],
  ['EventBridge', EventsInProcess],
  ['SNS', MailInProcess],
] as const;

/** Notes every call that reaches a fake of the local system, whoever sends it, until the result is called. */
export function recordCalls(onCall: (call: RecordedCall) => void): () => void {
  const undo = PORTS.map(([service, port]) => {
    const real = port.prototype.send;
    const send = function (this: object, command: { input: object }): Promise<unknown> {
      return recordCall(service, command, () => Reflect.apply(real, this, [command]), onCall);
    };
    Object.defineProperty(port.prototype, 'send', { value: send, configurable: true, writable: true });
    return () =>
      Object.defineProperty(port.prototype, 'send', { value: real, configurable: true, writable: true });
  });
  return () => {
    for (const each of undo) each();
  };
}
