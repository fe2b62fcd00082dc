import { appendFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { callOf, recordCall } from './recorded-call.ts';

/**
 * Loaded with `--import` into a process of ours, before anything else: every call that a client of the SDK makes there is
 * a line of the file that SIERRA_BATCH_TEST_CALLS names.
 */
const file = process.env.SIERRA_BATCH_TEST_CALLS;
// The copy that the clients have, which are CommonJS in Node.
const { resolve } = createRequire(import.meta.resolve('@aws-sdk/client-s3'));
const { Client } = await import(resolve('@smithy/core/client'));
const real = Client.prototype.send;
if (file !== undefined)
  Client.prototype.send = function (this: { config: { serviceId: string } }, command: { input: object }) {
    const send = async () => Reflect.apply(real, this, [command]);
    return recordCall(callOf(this.config.serviceId, command), send, (call) =>
      appendFileSync(file, `${JSON.stringify(call)}\n`),
    );
  };
