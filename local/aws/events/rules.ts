import type { Deployment } from '../../../experiment/deployment/deployment.ts';
import { EVENT_SOURCE, OVERLOOKED_DETAIL_TYPE } from '../../../experiment/notify/event-names.ts';
import type { EventBus, Target } from './bus.ts';
import type { EventPattern } from './pattern.ts';

/** The deployment's rules: which events call which function. */
export function addRules(
  bus: EventBus,
  { bucket, stateMachineArn }: Pick<Deployment, 'bucket' | 'stateMachineArn'>,
  { ingest, settle }: Record<'ingest' | 'settle', Target>,
): void {
  bus.addRule({ name: 'manifest-dropped', pattern: PATTERNS.manifestDropped(bucket), target: ingest });
  bus.addRule({ name: 'job-changed', pattern: PATTERNS.jobChanged(), target: settle });
  bus.addRule({
    name: 'execution-changed',
    pattern: PATTERNS.executionChanged(stateMachineArn),
    target: settle,
  });
}

/** The wildcard matters: a prefix and a suffix in one array would be OR-ed. */
const PATTERNS = {
  manifestDropped: (bucket: string): EventPattern => ({
    source: ['aws.s3', EVENT_SOURCE],
    'detail-type': ['Object Created', OVERLOOKED_DETAIL_TYPE],
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
