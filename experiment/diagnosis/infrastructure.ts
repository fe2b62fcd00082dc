import type { Saying } from '../text/says.ts';
import { says } from '../text/says.ts';
import { quoted, sentence } from '../text/sentence.ts';
import { readNodeLog, resumeChanged, resumeIt, submitAgain } from './next-steps.ts';
import type { Observed, Situation } from './observation.ts';
import { progressClause } from './runner-reasons.ts';

interface MachineFault {
  name: string;
  /** One of these is in a word of AWS about the last attempt or the job. */
  reason?: readonly Saying[];
  exitCode?: number;
  headline: string;
  why: string;
  /** A clause; `resume` and `again` stand for the usual advice. */
  next(observed: Observed): string;
}

const operators = 'ask the operators of the deployment';

/**
 * What AWS Batch, ECS, Docker and EFS say of a job whose node 0 left no reason of its own. First match wins: words
 * before bare exit codes.
 */
const FAULTS: readonly MachineFault[] = [
  {
    name: 'image-not-found',
    reason: [
      [/CannotPullContainer/is, /not found|manifest unknown|does not exist/i],
      [/repository /is, / not found/i],
    ],
    headline: 'The image was not found; nothing was started.',
    why: 'The registry does not have the image or the tag that the run names.',
    next: () => `check \`cluster.image\` in the manifest, or ${operators} to push the image`,
  },
  {
    name: 'image-denied',
    reason: [[/CannotPullContainer/is, /denied|unauthorized|no basic auth|403/i]],
    headline: 'The image may not be pulled; nothing was started.',
    why: 'The registry refused to give the image to this account.',
    next: () =>
      `${operators} to let the job’s execution role pull from that registry, or name another \`cluster.image\``,
  },
  {
    name: 'image-unreachable',
    reason: [/CannotPullContainer|CannotPullECRContainer|CannotPullImageManifest/i],
    headline: 'The image could not be pulled; nothing was started.',
    why: 'The machines could not get it from the registry.',
    next: () => `${submitAgain()}; if it happens again, ${operators} whether the machines reach the registry`,
  },
  {
    name: 'exec-format',
    reason: [/exec format error/i],
    headline: 'The image was built for another kind of processor; nothing was started.',
    why: 'Its architecture is not that of the machines (arm64 against x86-64 most often).',
    next: () => 'build the image with `--platform` of the machines, push it and submit again',
  },
  {
    name: 'mount-owner',
    reason: [[/lchown/is, /operation not permitted/i]],
    headline: 'Shared storage could not be mounted into the image; nothing was started.',
    why: 'The mount folder inside the image does not belong to the user that the file system’s access point prescribes.',
    next: () =>
      'create that folder in the Dockerfile with the access point’s user and group, push the image and submit again',
  },
  {
    name: 'storage-not-mounted',
    reason: [[/ResourceInitializationError/is, /efs|mount/i], /mount\.nfs|failed to invoke EFS/i],
    headline: 'Shared storage could not be mounted; nothing was started.',
    why: 'The machines did not reach the file system, or may not use it.',
    next: () => `${operators} to check the mount targets, port 2049 and the file system’s policy`,
  },
  {
    name: 'role-not-assumed',
    reason: [
      /unable to assume the role|not authorized to perform: sts:AssumeRole/i,
      [/role /is, /does not exist|cannot be assumed/i],
    ],
    headline: 'AWS could not give the job its role; nothing was started.',
    why: 'The role does not exist or does not trust the container service.',
    next: () => `${operators} to repair the job’s role (its trust policy names \`ecs-tasks.amazonaws.com\`)`,
  },
  {
    name: 'secrets-unavailable',
    reason: [[/ResourceInitializationError/is, /secret|ssm|log/i]],
    headline: 'The container could not be prepared; nothing was started.',
    why: 'A secret, a parameter or the log group was out of reach.',
    next: () => `show this to ${operators.slice(4)}`,
  },
  {
    name: 'entrypoint-missing',
    reason: [/executable file not found/i, [/exec: /is, /no such file|permission denied/i]],
    headline: 'The image has no runner; nothing was started.',
    why: 'The program that a node starts with is not in the image, or may not be executed.',
    next: () => 'build the image from this project’s Dockerfile (`FROM` its base), push it and submit again',
  },
  {
    name: 'memory',
    reason: [/OutOfMemory/i],
    headline: 'Node 0 ran out of memory.',
    why: 'Its container used more than `cluster.memory` and was killed.',
    next: (observed) =>
      `raise \`cluster.memory\` or lower \`run.jobsPerNode\`, and ${resumeChanged(observed)}`,
  },
  {
    name: 'shared-memory',
    reason: [
      [/\/dev\/shm/is, /no space|full/i],
      [/shared memory/is, /exhausted|no space/i],
    ],
    headline: 'Shared memory of node 0 was full.',
    why: '`/dev/shm` of a node has the size that `cluster.sharedMemory` gives it.',
    next: (observed) => `raise \`cluster.sharedMemory\`, and ${resumeChanged(observed)}`,
  },
  {
    name: 'host-lost',
    reason: [/Host EC2/i],
    headline: 'The machine of node 0 was lost.',
    why: 'Amazon took it back or it broke; nothing in the run caused this.',
    next: resumeIt,
  },
  {
    name: 'attempt-time-limit',
    reason: [/attempt duration exceeded timeout/i],
    headline: 'Stopped: AWS Batch’s own time limit for the job was reached.',
    why: 'Node 0 should have ended the run before, at `timeouts.run`, and did not.',
    next: (observed) => `raise \`timeouts.run\`, and ${resumeChanged(observed)}`,
  },
  {
    name: 'disk-full',
    reason: [/no space left on device/i],
    headline: 'The disk of a machine was full.',
    why: 'The image or what was written outside shared storage did not fit.',
    next: () => `${operators} for larger disks, or use a smaller image`,
  },
  {
    name: 'agent-trouble',
    reason: [
      /DockerTimeout|CannotStopContainer|CannotInspectContainer|CannotStartContainer/i,
      [/agent/i, /disconnect/i],
    ],
    headline: 'The container service on a machine did not work.',
    why: 'This is trouble of the machine, not of the run.',
    next: resumeIt,
  },
  {
    name: 'instance-start-failed',
    reason: [
      /Task failed to start|failed to launch/i,
      [/Compute environment /is, /INVALID|DISABLED|deleted/i],
    ],
    headline: 'The job could not be started on its machines.',
    why: 'AWS Batch had placed it, and then the start failed.',
    next: () => `${submitAgain()}; if it happens again, show this to ${operators.slice(4)}`,
  },
  {
    name: 'queue-time-limit',
    reason: [/jobStateTimeLimit/i, [/RUNNABLE/is, /exceeded|time limit/i]],
    headline: 'Given up: the queue’s own waiting limit was reached.',
    why: 'AWS Batch cancelled the job because it could not be started for too long.',
    next: () => 'ask for fewer or smaller nodes, or submit again later',
  },
  {
    name: 'killed',
    exitCode: 137,
    headline: 'Node 0 was killed.',
    why: 'Exit code 137 means signal 9: most often its memory was used up, or it did not end in time when asked to.',
    next: (observed) =>
      `look at the memory in the nodes’ table, raise \`cluster.memory\` if it was full, and ${resumeChanged(observed)}`,
  },
  {
    name: 'terminated-silently',
    exitCode: 143,
    headline: 'Node 0 was asked to end.',
    why: 'Exit code 143 means signal 15: the job was terminated from outside.',
    next: resumeIt,
  },
  {
    name: 'crashed',
    exitCode: 139,
    headline: 'Node 0 crashed.',
    why: 'Exit code 139 means a fault in memory.',
    next: (observed) => `${readNodeLog(observed)} and report it; what is done is kept: ${resumeIt(observed)}`,
  },
];

/** A job of which only AWS can say what happened, and does: node 0 could not write its reason. */
export const MACHINE_WORDS: readonly Situation[] = FAULTS.filter(({ reason }) => reason !== undefined).map(
  asSituation,
);

/** The same when all that is left is an exit code. */
export const MACHINE_CODES: readonly Situation[] = FAULTS.filter(({ reason }) => reason === undefined).map(
  asSituation,
);

function asSituation(fault: MachineFault): Situation {
  return {
    name: `machine-${fault.name}`,
    tell(observed) {
      const words = wordsOfAws(observed);
      const { reason } = fault;
      const said = reason === undefined ? words.at(0) : words.find((text) => says(text, ...reason));
      if (reason === undefined ? lastExitCode(observed) !== fault.exitCode : said === undefined)
        return undefined;
      return {
        headline: fault.headline,
        why: `${fault.why}${progressClause(observed)}${said === undefined ? '' : ` AWS says: ${quoted(said)}.`}`,
        next: sentence(fault.next(observed)),
      };
    },
  };
}

/** Everything AWS said of the last attempt and of the job, the most exact first. */
export function wordsOfAws({ job }: Observed): string[] {
  const last = job?.attempts?.at(-1);
  return [last?.containerReason, last?.statusReason, job?.statusReason].filter(
    (text): text is string => text !== undefined && text.trim() !== '',
  );
}

/** The exit code that is known, of the run or else of the last attempt. */
export function lastExitCode({ exitCode, job }: Observed): number | undefined {
  return exitCode ?? job?.attempts?.at(-1)?.exitCode;
}
