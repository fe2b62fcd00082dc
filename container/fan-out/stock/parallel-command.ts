import { findOnPath } from '../../util/find-on-path.ts';
import { shellWord } from '../../util/shell-quote.ts';
import type { FanoutRequest } from '../fan-out.ts';

/** Where SIERRA's own line finds its things. */
export interface StockLine {
  arguments: string[];
  environment: Record<string, string>;
}

/** Names that SIERRA lists in PARALLEL; undefined ones are harmless there: GNU parallel leaves them undefined. */
const SIERRA_NAMES = ['PATH', 'LD_LIBRARY_PATH', 'PYTHONPATH'];

/**
 * Exactly what SIERRA's stage 2 runs on `hpc.awsbatch`: `parallel [--resume-failed] --jobs N --results R --joblog J
 * --sshloginfile F --workdir W < commands`, with PARALLEL and PARALLEL_SHELL as it exports them. What this system adds
 * goes by PARALLEL, as a SIERRA user would do it: the ssh command, when to halt, retries, more variables.
 * @param resume whether the joblog has rows of an earlier attempt
 */
export function stockLine(
  request: FanoutRequest,
  nodefile: string,
  slots: number,
  resume: boolean,
  parallelHome: string,
): StockLine {
  const { environment, sshConfig, taskRetries, haltAfter, path } = request;
  const names = [...new Set([...SIERRA_NAMES, ...Object.keys(environment)])].filter(
    (name) => !name.startsWith('PARALLEL'),
  );
  const options = [
    // The user's own options come first, as SIERRA appends to them.
    ...(environment.PARALLEL === undefined || environment.PARALLEL === '' ? [] : [environment.PARALLEL]),
    ...(haltAfter === undefined ? [] : [`--halt now,fail=${haltAfter}`]),
    // GNU parallel counts tries, and cannot distinguish a lost host from a failed command.
    ...(taskRetries === 0 ? [] : [`--retries ${taskRetries + 1}`]),
    ...names.map((name) => `--env ${name}`),
  ];
  return {
    arguments: [
      ...(resume ? ['--resume-failed'] : []),
      '--jobs',
      String(slots),
      '--results',
      request.results,
      '--joblog',
      request.joblog,
      '--sshloginfile',
      nodefile,
      '--workdir',
      request.workdir,
    ],
    environment: {
      ...environment,
      PARALLEL: options.join(' '),
      PARALLEL_SHELL: '/bin/bash',
      // A line of shell.
      PARALLEL_SSH: `${shellWord(findOnPath(['ssh'], path) ?? 'ssh')} -F ${shellWord(sshConfig)}`,
      PARALLEL_HOME: parallelHome,
      // Where GNU parallel itself looks for a user's settings; tasks get the HOME of the request by --env.
      ...(environment.HOME === undefined ? { HOME: parallelHome } : {}),
    },
  };
}
