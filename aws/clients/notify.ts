import type { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { PutEventsCommand } from '@aws-sdk/client-eventbridge';
import type { SNSClient } from '@aws-sdk/client-sns';
import { PublishCommand } from '@aws-sdk/client-sns';
import type { EventsPort, MailPort } from '../ports.ts';

export const eventsPort = (client: EventBridgeClient): EventsPort => ({
  putEvents: (input) => client.send(new PutEventsCommand(input)),
});

export const mailPort = (client: SNSClient): MailPort => ({
  publish: (input) => client.send(new PublishCommand(input)),
});
