import type { Saying } from '../text/says.ts';

/** What AWS Batch says when it does not take a job, as its API and its users' threads word it. First match wins. */
export const REFUSALS: readonly { name: string; said: readonly Saying[]; why: string; next: string }[] = [
  {
    name: 'definition-gone',
    said: [
      [/JobDefinition/is, /not found|does not exist|INACTIVE|deregistered/i],
      [/job definition/is, /INACTIVE|not active|deregistered/i],
    ],
    why: 'The job definition no longer exists: most often a deployment has replaced it.',
    next: 'Submit the manifest again; if it happens again, ask the operators of the deployment.',
  },
  {
    name: 'queue-closed',
    said: [
      [/JobQueue/is, /DISABLED|INVALID|not found|does not exist|not in VALID/i],
      [/job queue/is, /disabled|invalid|does not exist/i],
    ],
    why: 'The queue takes no jobs, or is not there.',
    next: 'Name another `cluster.queue`, or ask the operators of the deployment to open it.',
  },
  {
    name: 'node-ranges',
    said: [/NodeOverride|node (range|properties|propert)|targetNodes|numNodes/i],
    why: 'The nodes that the run asks for do not match the definition of the job.',
    next: 'This is a fault of the deployment: show it to its operators.',
  },
  {
    name: 'not-allowed',
    said: [/AccessDenied|not authorized to perform|UnauthorizedOperation/i],
    why: 'The system itself is not permitted to submit it.',
    next: 'Ask the operators of the deployment to deploy the roles of this version.',
  },
  {
    name: 'instance-type',
    said: [/instance ?type/i],
    why: 'The machine type cannot be used here.',
    next: 'Name another `cluster.instanceType`, or leave it to the deployment.',
  },
  {
    name: 'too-large',
    said: [
      [/request|payload|environment|container overrides/is, /too (large|long)|exceed|length/i],
      /30 ?KiB/i,
    ],
    why: 'The request is larger than AWS Batch takes.',
    next: 'Make `environment` or `tags` of the manifest smaller, or put long values into a file under `inputs`.',
  },
];
