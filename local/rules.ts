import type { EventPattern } from './event-pattern.ts';

/** The event patterns of the deployment. The wildcard matters: a prefix and a suffix in one array would be OR-ed. */
export const RULES = {
  manifestDropped: (bucket: string): EventPattern => ({
    source: ['aws.s3'],
    'detail-type': ['Object Created'],
    detail: {
      bucket: { name: [bucket] },
      object: {
        key: [
          { wildcard: 'manifests/*.yaml' },
          { wildcard: 'manifests/*.yml' },
          { wildcard: 'manifests/*.json' },
        ],
      },
    },
  }),
  jobChanged: (): EventPattern => ({ source: ['aws.batch'], 'detail-type': ['Batch Job State Change'] }),
  executionChanged: (stateMachineArn: string): EventPattern => ({
    source: ['aws.states'],
    'detail-type': ['Step Functions Execution Status Change'],
    detail: { stateMachineArn: [stateMachineArn] },
  }),
};
