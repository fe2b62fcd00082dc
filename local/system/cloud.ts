import { join } from 'node:path';
import type { EventsPort, MailPort } from '../../aws/ports.ts';
import { LocalBatch } from '../aws/batch/batch.ts';
import { EventBus } from '../aws/events/bus.ts';
import {
  jobStateChangeEvent,
  LOCAL_ACCOUNT,
  LOCAL_REGION,
  objectCreatedEvent,
} from '../aws/events/services.ts';
import { localEventBridge } from '../aws/notify/event-bridge.ts';
import { localMail } from '../aws/notify/mail.ts';
import { openNotifications } from '../aws/notify/notifications.ts';
import { openFolderBucket } from '../aws/s3/folder-bucket.ts';
import { LocalS3 } from '../aws/s3/s3.ts';
import type { Nodes } from '../nodes/nodes.ts';
import { LOCAL_BUCKET, LOCAL_QUEUE } from './deployment.ts';
import type { Faults } from './faults.ts';
import type { SystemSettings } from './settings.ts';

/** What AWS is in this process; each of them tells the bus what happens in it. */
export interface Cloud {
  bus: EventBus;
  s3: LocalS3;
  batch: LocalBatch;
  events: EventsPort;
  mail: MailPort;
}

/** S3, Batch, EventBridge and mail in the system's folder. */
export function openCloud(settings: SystemSettings, nodes: Nodes, faults: Faults): Cloud {
  const { clock, nonce, folder } = settings;
  const bus = new EventBus({
    clock,
    ...(faults.deliveries === undefined ? {} : { deliveries: faults.deliveries }),
  });
  if (settings.onEvent !== undefined)
    bus.addRule({
      name: 'all',
      pattern: { source: ['aws.s3', 'aws.batch', 'aws.states'] },
      target: settings.onEvent,
    });
  const { bodies, index, record } = openFolderBucket(folder);
  const s3 = new LocalS3({
    bucket: LOCAL_BUCKET,
    bodies,
    index,
    clock,
    nonce,
    missing: 'NoSuchKey',
    keepNoncurrent: 2,
    onVersion: record,
    onCreated: (object) => bus.putEvent(objectCreatedEvent(object, nonce())),
  });
  const batch = new LocalBatch({
    clock,
    nonce,
    region: LOCAL_REGION,
    account: LOCAL_ACCOUNT,
    queues: [LOCAL_QUEUE],
    startNode: faults.aroundNodes?.(nodes.start) ?? nodes.start,
    onStateChange: (detail) => bus.putEvent(jobStateChangeEvent(detail, nonce(), clock.now())),
    ...(faults.capacityHook === undefined ? {} : { capacityHook: faults.capacityHook }),
  });
  return { bus, s3, batch, ...openNotifiers(settings, bus) };
}

/** What tells people; all of it is kept in `notifications/` as well. */
function openNotifiers({ folder, clock, nonce, onMail }: SystemSettings, bus: EventBus) {
  const notifications = openNotifications(join(folder, 'notifications'));
  const events = localEventBridge({
    account: LOCAL_ACCOUNT,
    region: LOCAL_REGION,
    nonce,
    now: () => clock.now(),
    put: (event) => {
      notifications.keepEvent(event);
      bus.putEvent(event);
    },
  });
  const mail = localMail(nonce, (one) => {
    const file = notifications.keepMail(one);
    onMail?.(one, file);
  });
  return { events, mail };
}
