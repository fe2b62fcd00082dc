import type { BusEvent } from '../events/bus.ts';
import type { ExecutionRecord } from './execution-record.ts';

/** "Step Functions Execution Status Change" as EventBridge delivers it. @param now milliseconds since the epoch */
export function statusChangeEvent(record: ExecutionRecord, id: string, now: number): BusEvent {
  const [, , , region = '', account = ''] = record.executionArn.split(':');
  return {
    version: '0',
    id,
    'detail-type': 'Step Functions Execution Status Change',
    source: 'aws.states',
    account,
    time: new Date(now).toISOString(),
    region,
    resources: [record.executionArn],
    detail: {
      executionArn: record.executionArn,
      stateMachineArn: record.stateMachineArn,
      name: record.name,
      status: record.status,
      startDate: record.startedAt,
      stopDate: record.stoppedAt ?? null,
      input: record.input,
      inputDetails: { included: true },
      output: record.output ?? null,
      outputDetails: record.output === undefined ? null : { included: true },
      error: record.error ?? null,
      cause: record.cause ?? null,
    },
  };
}
