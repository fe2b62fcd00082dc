import type { Deployment } from '../../../experiment/deployment/deployment.ts';
import { makeRunId } from '../../../experiment/layout/run-id.ts';
import type { Manifest } from '../../../experiment/manifest/parse.ts';
import { commandsOf } from '../../../experiment/manifest/parse.ts';
import { makePlan } from '../../../experiment/plan/make.ts';
import type { Plan } from '../../../experiment/plan/plan.ts';

export const DEPLOYMENT: Deployment = {
  bucket: 'own-bucket',
  stateMachineArn: 'arn:aws:states:eu-central-1:000000000000:stateMachine:experiment',
  jobDefinition: 'sierra-batch:3',
  queues: {
    standard: {
      arn: 'arn:aws:batch:eu-central-1:000000000000:job-queue/standard',
      maxvCpus: 64,
      fairShare: true,
    },
    gpu: { arn: 'arn:aws:batch:eu-central-1:000000000000:job-queue/gpu', maxvCpus: 16 },
  },
  defaultQueue: 'standard',
  inputBuckets: ['shared-data'],
  defaults: { vcpus: 4, memoryMiB: 8192 },
  sharedFolder: '/mnt/efs',
  joinPort: 7741,
  sshPort: 22,
};

/** What ingest makes of an accepted manifest, without a bucket. */
export function planOf(manifest: Manifest): Plan {
  const source = { bucket: 'own-bucket', key: 'manifests/a.yaml', version: 'v1' };
  const runId = makeRunId(manifest.name, source);
  const commands = commandsOf(manifest);
  return makePlan(manifest, {
    runId,
    source,
    folder: runId,
    deployment: DEPLOYMENT,
    ...(commands === undefined
      ? {}
      : { frozen: { key: `runs/${runId}/commands.txt`, total: commands.total } }),
  });
}
