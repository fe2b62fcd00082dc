import type { StartExecutionCommandInput } from '@aws-sdk/client-sfn';
import { runKeys } from '../../../experiment/layout/bucket-keys.ts';
import { errorMessage } from '../../../experiment/run/stop-cause.ts';
import { scheduledEvent } from '../../../local/aws/events/services.ts';
import { controlPlane, MANIFEST } from '../../support/control-plane.ts';
import { hooked } from '../../support/hostile-ports.ts';
import { named } from '../../support/states-machine.ts';
import type { Execution, Interpreter, OpenInterpreter, StateFunctions } from './interpreter.ts';

/** What a function throws at its nth call, by the error's name; undefined lets the real handler answer. */
type Throws = (call: number) => string | undefined;

/** What happens to a run. */
export interface Course {
  submit?: Throws;
  settle?: Throws;
  collect?: Throws;
  /** Nodes that outlive SIGTERM. */
  ignoreTerm?: boolean;
  /** The limit of the state Run, which is then waited out, instead of the manifest's hours. */
  timeoutSeconds?: number;
  /** The error that somebody fails the token with, once the job runs. */
  tokenFails?: string;
  /** Somebody stops the execution, once the job runs. */
  aborted?: boolean;
  /** Waits of a random length are in it. */
  jitters?: boolean;
  /** Of node 0 once the job runs; undefined leaves it running. */
  exitCode?: number;
}

export interface Played extends Execution {
  /** The functions in the order they were called, each with whole seconds since the one before (0 where they are random). */
  calls: [string, number][];
  /** What `status.json` says in the end. */
  recorded: unknown;
  /** Jobs that are left. */
  alive: number;
}

/** One run with the real handlers in virtual time, its execution interpreted by what `open` opens. */
export async function play(course: Course, name: string, open: OpenInterpreter): Promise<Played> {
  let interpreter: Interpreter | undefined;
  const plane = await controlPlane({
    ignoreTerm: course.ignoreTerm ?? false,
    states: (real) =>
      hooked(real, ({ name, input }) => {
        const states = interpreter?.states ?? real;
        const given = name === 'startExecution' ? withTimeout(input, course.timeoutSeconds) : input;
        return Reflect.apply(states[name], states, [given]);
      }),
  });
  const { clock, localBatch } = plane;
  const called: { which: string; at: number; token: string; executionArn: string }[] = [];
  const scripted = (which: keyof StateFunctions) => async (payload: unknown) => {
    const { token = '', executionArn = '' } = Object(payload);
    called.push({ which, at: clock.now(), token, executionArn });
    const error = course[which]?.(called.filter((one) => one.which === which).length);
    if (error !== undefined) throw named(error);
    return plane[which](payload);
  };
  const functions = {
    submit: scripted('submit'),
    settle: scripted('settle'),
    collect: scripted('collect'),
  };
  const running = await open(functions, clock);
  interpreter = running;
  plane.deps.deployment.stateMachineArn = running.stateMachineArn;
  const { runId } = await plane.start(MANIFEST.replace('sweep', name));
  const jobRuns = () => localBatch.liveJobs().some(({ status }) => status === 'RUNNING');
  const tick = () => plane.settle(scheduledEvent('settle', 'id', clock.now()));
  const before = await running.until(runId, ({ status }) => status !== 'RUNNING' || jobRuns());
  if (before.status === 'RUNNING') {
    const { token = '', executionArn = '' } = called.at(-1) ?? {};
    if (course.tokenFails !== undefined) await running.failToken(token, course.tokenFails);
    if (course.aborted === true) await running.abort(executionArn, token);
    if (course.exitCode !== undefined) plane.nodes[0]?.exit({ exitCode: course.exitCode });
    if (course.timeoutSeconds !== undefined) await running.timeOut(course.timeoutSeconds);
    else if (course.tokenFails === undefined && course.aborted === undefined) {
      await clock.advance(1000);
      await running.during(tick());
    }
  }
  await running.until(runId, ({ status }) => status !== 'RUNNING');
  for (let minute = 0; minute < 3; minute += 1) {
    await clock.advance(60_000);
    await running.during(tick());
  }
  const end = await running.until(runId, () => true);
  return {
    ...end,
    cause: errorMessage(end.cause),
    calls: called.map(({ which, at }, index) => [
      which,
      course.jitters === true ? 0 : Math.round((at - (called[index - 1]?.at ?? at)) / 1000),
    ]),
    recorded: (await plane.json(runKeys(runId).status)).state,
    alive: localBatch.liveJobs().length,
  };
}

function withTimeout(start: StartExecutionCommandInput, timeoutSeconds: number | undefined) {
  if (timeoutSeconds === undefined) return start;
  const input: object = JSON.parse(start.input ?? '{}');
  return { ...start, input: JSON.stringify({ ...input, timeoutSeconds }) };
}
