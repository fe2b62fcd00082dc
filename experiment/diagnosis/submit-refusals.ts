/** What AWS Batch says when it does not take a job, as its API and its users' threads word it. First match wins. */
export const REFUSALS: readonly { name: string; said: RegExp; why: string; next: string }[] = [
  {
    name: 'definition-gone',
    said: /JobDefinition.*(not found|does not exist|INACTIVE|deregistered)|job definition.*(INACTIVE|not active|deregistered)/is,
    why: 'The definition of the job is not there any more: a deployment most often replaced it meanwhile.',
    next: 'Submit the manifest again; if it happens again, ask the operators of the deployment.',
  },
  {
    name: 'queue-closed',
    said: /JobQueue.*(DISABLED|INVALID|not found|does not exist|not in VALID)|job queue.*(disabled|invalid|does not exist)/is,
    why: 'The queue takes no jobs, or is not there.',
    next: 'Name another `cluster.queue`, or ask the operators of the deployment to open it.',
  },
  {
    name: 'node-ranges',
    said: /NodeOverride|node (range|properties|propert)|targetNodes|numNodes/i,
    why: 'The nodes that the run asks for do not match the definition of the job.',
    next: 'This is a fault of the deployment: show it to its operators.',
  },
  {
    name: 'not-allowed',
    said: /AccessDenied|not authorized to perform|UnauthorizedOperation/i,
    why: 'The system itself lacks a permission to submit it.',
    next: 'Ask the operators of the deployment to deploy the roles of this version.',
  },
  {
    name: 'instance-type',
    said: /instance ?type/i,
    why: 'The machine type cannot be used here.',
    next: 'Name another `cluster.instanceType`, or leave it to the deployment.',
  },
  {
    name: 'too-large',
    said: /(request|payload|environment|container overrides).*(too (large|long)|exceed|length)|30 ?KiB/is,
    why: 'The request is larger than AWS Batch takes.',
    next: 'Make `environment` or `tags` of the manifest smaller, or put long values into a file under `inputs`.',
  },
];
