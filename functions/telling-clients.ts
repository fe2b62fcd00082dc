/** For functions/live.ts, which loads them when there is first something to tell. The packages themselves would bring all of their commands along. */
export { EventBridgeClient } from '@aws-sdk/client-eventbridge';
export { SNSClient } from '@aws-sdk/client-sns';
