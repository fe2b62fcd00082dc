/** What AWS has not answered yet and what would change a decision: docs/aws-facts.md's table is made from it. */
export interface Question {
  /** What the system takes for granted. */
  fact: string;
  /** What would be done otherwise if it did not hold. */
  decides: string;
  /** How it is asked. */
  how: string;
}

export const QUESTIONS = {
  'events-read': {
    fact: "the events of S3, Batch and Step Functions are as ingest and settle read them; the parent's has its name; S3's has a plain key",
    decides: 'whether runs start and move on by events, or only by the sweep of each minute',
    how: 'a rule with a queue of its own beside the stack’s, during a run whose manifest is `prove a+b.yaml`',
  },
  'main-ends': {
    fact: "main's end ends the job and its children",
    decides: 'whether settle has to terminate a job whose node 0 is gone',
    how: '`ecs:StopTask` on the task of node 0',
  },
  'child-stopped': {
    fact: 'a child that dies changes nothing for the job',
    decides: 'whether a run survives the loss of a worker',
    how: '`ecs:StopTask` on the task of node 1',
  },
  'instance-given-back': {
    fact: 'the instance of a child that has ended is kept, and billed, until the job ends',
    decides: 'what `nodeHours` and the budget count',
    how: 'its state in EC2 for three minutes after node 1 was stopped',
  },
  'host-lost': {
    fact: '`Host EC2*` is what a lost host of node 0 says, and it is retried',
    decides: 'the retry rules of the job definition',
    how: '`ec2:TerminateInstances` on the instance of node 0',
  },
  'stop-timeout': {
    fact: 'SIGKILL comes as long after SIGTERM as `ECS_CONTAINER_STOP_TIMEOUT` says',
    decides: 'how long node 0 sends results when a run is cancelled',
    how: 'a task freezes the runner of node 0, then the run is cancelled',
  },
  'list-delay': {
    fact: 'ListJobs shows a new job within a minute',
    decides: 'the lease after which settle looks for a job by name and submits again (3 min)',
    how: 'ListJobs by name every second from the drop on, against `createdAt`',
  },
  'instance-type': {
    fact: '`containerOverrides.instanceType` of a multi-node submission is what its nodes are',
    decides: 'whether a manifest may name another of the stack’s types',
    how: 'a run on the last of the stack’s types; the instance of node 1',
  },
  'update-leaves-jobs': {
    fact: 'another `MaxvCpus` leaves a running job alone',
    decides: 'which changes `npm run deploy -- --force` lets through',
    how: 'an update of the stack during a run; the value is put back',
  },
  researcher: {
    fact: 'ResearcherPolicy is enough for a researcher and closes the rest',
    decides: 'the policy',
    how: 'its calls, and some that must be refused, by a role with that policy alone',
  },
  operator: {
    fact: 'OperatorPolicy is enough for an operator and closes the rest',
    decides: 'the policy',
    how: 'the same by a role with that one',
  },
  gpu: {
    fact: 'a node with a GPU finds it with ECS_AL2023_NVIDIA',
    decides: 'the image of nodes',
    how: '`nvidia-smi` in a run with `cluster.gpus: 1`, where the stack has such types',
  },
} as const satisfies Record<string, Question>;
export type QuestionName = keyof typeof QUESTIONS;

/** What was to be asked and is not, with the reason: the decision stands whatever the answer. */
export const STRUCK: Readonly<Record<string, string>> = {
  'whether children emit events':
    'settle takes the name of a run from any event and looks; more events are more looks, at most one a second',
  'how an alarm whose data are missing begins and goes back':
    'CloudWatch documents it, and it decides a mail only: missing data end in INSUFFICIENT_DATA, which the alarm tells as well',
  'CloudWatch reaches a topic that refuses what is not TLS':
    'AWS services call each other by TLS; EventBridge and a queue with that very statement are in `events-read`',
  'the `Cause` of a token that was failed without one':
    '`Stop` ends the run whatever `Error` and `Cause` are',
};
