import { BatchClient, DescribeJobsCommand } from '@aws-sdk/client-batch';
import { GetObjectCommand, ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3';
import { DescribeExecutionCommand, SFNClient, StopExecutionCommand } from '@aws-sdk/client-sfn';

/** Another process: it knows a bucket, a run and an execution, and for the rest only the SDK's own variables. */
const [bucket = '', runId = '', executionArn = ''] = process.argv.slice(2);
const s3 = new S3Client({ forcePathStyle: true });
const batch = new BatchClient();
const states = new SFNClient();

const { Contents = [] } = await s3.send(
  new ListObjectsV2Command({ Bucket: bucket, Prefix: `runs/${runId}/` }),
);
const status = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: `runs/${runId}/status.json` }));
const { jobId, state }: { jobId: string; state: string } = JSON.parse(
  (await status.Body?.transformToString()) ?? '{}',
);
const { jobs = [] } = await batch.send(new DescribeJobsCommand({ jobs: [jobId, `${jobId}#0`] }));
const before = await states.send(new DescribeExecutionCommand({ executionArn }));
await states.send(
  new StopExecutionCommand({ executionArn, error: 'Cancelled', cause: 'by another process' }),
);
const after = await states.send(new DescribeExecutionCommand({ executionArn }));

process.stdout.write(
  JSON.stringify({
    keys: Contents.map(({ Key }) => Key),
    state,
    jobs: jobs.map(({ jobName, status: jobStatus, nodeDetails }) => ({ jobName, jobStatus, nodeDetails })),
    before: before.status,
    after: after.status,
  }),
);
