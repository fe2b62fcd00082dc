import type { JobDetail } from '@aws-sdk/client-batch';
import type { CreatedObject } from '../s3/s3.ts';
import type { BusEvent } from './bus.ts';

/** The account and region that everything local pretends to be in. */
export const LOCAL_ACCOUNT = '000000000000';
export const LOCAL_REGION = 'local';

/** S3's "Object Created", as EventBridge delivers it: the key is plain, unlike in S3's own notifications. */
export function objectCreatedEvent({ bucket, version, sequencer }: CreatedObject, id: string): BusEvent {
  return event('aws.s3', 'Object Created', id, version.lastModified, [`arn:aws:s3:::${bucket}`], {
    version: '0',
    bucket: { name: bucket },
    object: {
      key: version.key,
      size: version.size,
      etag: version.etag.replaceAll('"', ''),
      'version-id': version.versionId,
      sequencer,
    },
    'request-id': id,
    requester: LOCAL_ACCOUNT,
    'source-ip-address': '127.0.0.1',
    reason: 'PutObject',
  });
}

/** Batch's "Batch Job State Change": the detail is what DescribeJobs says. */
export function jobStateChangeEvent(detail: JobDetail, id: string, now: number): BusEvent {
  return event('aws.batch', 'Batch Job State Change', id, now, [detail.jobArn ?? ''], { ...detail });
}

/** What a scheduled rule delivers. */
export function scheduledEvent(rule: string, id: string, now: number): BusEvent {
  return event(
    'aws.events',
    'Scheduled Event',
    id,
    now,
    [`arn:aws:events:${LOCAL_REGION}:${LOCAL_ACCOUNT}:rule/${rule}`],
    {},
  );
}

function event(
  source: string,
  detailType: string,
  id: string,
  at: number,
  resources: readonly string[],
  detail: BusEvent['detail'],
): BusEvent {
  return {
    version: '0',
    id,
    'detail-type': detailType,
    source,
    account: LOCAL_ACCOUNT,
    time: new Date(at).toISOString(),
    region: LOCAL_REGION,
    resources,
    detail,
  };
}
