import type { RecordPort } from '../../support/hostile-ports.ts';
import { hooked } from '../../support/hostile-ports.ts';
import type { RecordedCall } from './recorded-call.ts';
import { recordCall } from './recorded-call.ts';

/** Notes every call that reaches a port, whoever makes it. */
export function recordTo(onCall: (call: RecordedCall) => void): RecordPort {
  return (service, port) =>
    hooked(port, ({ name, input }, go) => {
      const operation = String(name).replace(/^./, (first) => first.toUpperCase());
      return recordCall({ service, operation, input }, go, onCall);
    });
}
