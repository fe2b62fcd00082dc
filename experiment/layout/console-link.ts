import type { Deployment } from '../deployment/deployment.ts';

const CONSOLES: Readonly<Record<string, string>> = {
  'aws-cn': 'console.amazonaws.cn',
  'aws-us-gov': 'console.amazonaws-us-gov.com',
};

/** Where a person can look at an object of the deployment's bucket: in AWS' console, or on this machine. */
export function bucketLink(
  { bucket, bucketUrl, stateMachineArn }: Pick<Deployment, 'bucket' | 'bucketUrl' | 'stateMachineArn'>,
  key: string,
): string {
  const path = key.split('/').map(encodeURIComponent).join('/');
  if (bucketUrl !== undefined) return `${bucketUrl}${path}`;
  const [, partition = '', , region = ''] = stateMachineArn.split(':');
  const console = CONSOLES[partition] ?? 'console.aws.amazon.com';
  return `https://${region}.${console}/s3/object/${bucket}?region=${region}&prefix=${path}`;
}
