/** For functions/live.ts, which loads it when Step Functions is first asked. */
export { SFNClient } from '@aws-sdk/client-sfn';
