import { costSpoken, priceOfNode } from '../../experiment/deployment/price.ts';
import type { Evidence, Recorder, Trial } from './evidence.ts';
import type { Answer, Lab } from './lab.ts';
import { ms } from './lab.ts';
import { removeAll } from './made.ts';
import type { QuestionName } from './questions.ts';
import { operator, researcher } from './trials-of-roles.ts';
import { calm, cancelled, children, gpu, host } from './trials-of-runs.ts';

/** In this order, which asks what is cheap first. Minutes that two nodes are paid for at most. */
const TRIALS: readonly {
  name: string;
  minutes: number;
  asks: readonly QuestionName[];
  run: (lab: Lab, answer: Answer) => Promise<void>;
}[] = [
  { name: 'researcher', minutes: 0, asks: ['researcher'], run: researcher },
  { name: 'operator', minutes: 0, asks: ['operator'], run: operator },
  {
    name: 'calm',
    minutes: 9,
    asks: ['list-delay', 'instance-type', 'update-leaves-jobs', 'events-read'],
    run: calm,
  },
  {
    name: 'children',
    minutes: 9,
    asks: ['child-stopped', 'instance-given-back', 'main-ends'],
    run: children,
  },
  { name: 'host', minutes: 9, asks: ['host-lost'], run: host },
  { name: 'cancelled', minutes: 8, asks: ['stop-timeout'], run: cancelled },
  { name: 'gpu', minutes: 5, asks: ['gpu'], run: gpu },
];

/** Those of these names, or all. @throws Error for a name that none has */
export function chosenTrials(only: string | undefined): typeof TRIALS {
  const wanted = only?.split(',');
  const unknown = wanted?.find((each) => !TRIALS.some(({ name }) => name === each));
  if (unknown !== undefined)
    throw new Error(`--only ${unknown}: there are ${TRIALS.map(({ name }) => name).join(', ')}`);
  return TRIALS.filter(({ name }) => wanted?.includes(name) ?? true);
}

/** The whole takes no longer, in minutes; cleaning up comes after. */
const LIMIT_MINUTES = 100;

/** Nodes are of the last of the stack's types, so that another than the first is asked. */
export const nodeType = ({ deployment }: Pick<Lab, 'deployment'>) =>
  deployment.instanceTypes?.at(-1) ?? 'unknown';

/** What will be made and what it costs at most, for whoever is asked. Pure. */
export function announcement(
  lab: Pick<Lab, 'stack' | 'deployment' | 'region'>,
  chosen: typeof TRIALS,
): string[] {
  const asked = chosen.filter(({ name }) => name !== 'gpu' || lab.stack.parameters.Gpus === 'true');
  const minutes = asked.reduce((sum, each) => sum + each.minutes, 0);
  const hours = (2 * minutes) / 60;
  const price = priceOfNode({ instanceType: nodeType(lab) }, lab.deployment);
  return [
    `In the stack ${lab.stack.name} (${lab.region}) this makes, and removes again:`,
    `  ${asked.filter(({ minutes: some }) => some > 0).length} runs of two nodes, one after the other; some of their machines are ended on purpose`,
    '  a rule of EventBridge and a queue of SQS, two roles with the stack’s policies for people',
    `  another MaxvCpus of the stack, for some minutes`,
    `It costs at most ${hours.toFixed(1)} hours of ${nodeType(lab)} (${costSpoken(hours, price, { isBound: true })}), and takes about an hour, at most ${LIMIT_MINUTES} minutes.`,
    `It asks: ${asked.flatMap(({ asks }) => asks).join(', ')}.`,
  ];
}

/**
 * Goes through all experiments, then removes what they made, whatever happened. Every question has its verdict.
 * @param stop aborts when somebody has had enough @param around without a signal: it is made here
 */
export async function prove(
  around: Omit<Lab, 'signal'>,
  recorder: Recorder,
  stop: AbortSignal,
  chosen = TRIALS,
): Promise<Pick<Evidence, 'trials' | 'leftBehind' | 'minutes'>> {
  const { clock, say } = around;
  const startedAt = clock.now();
  const timeUp = new AbortController();
  const done = new AbortController();
  const limit = ms(around, LIMIT_MINUTES * 60);
  void clock
    .sleep(Math.max(limit, 600_000), done.signal)
    .then(() => timeUp.abort(new Error(`the time of ${LIMIT_MINUTES} minutes is up`)))
    .catch(() => undefined);
  const lab: Lab = { ...around, signal: AbortSignal.any([stop, timeUp.signal]) };
  const trials: Trial[] = [];
  for (const trial of chosen) trials.push(await oneTrial(lab, recorder, trial));
  done.abort();
  say('removing what was made …');
  // Not by the signal: that is why it is removed now.
  const leftBehind = await removeAll({ ...around, signal: new AbortController().signal });
  return { trials, leftBehind, minutes: Math.round((clock.now() - startedAt) / 6000) / 10 };
}

async function oneTrial(lab: Lab, recorder: Recorder, trial: (typeof TRIALS)[number]) {
  const { name, asks, run } = trial;
  const { clock, say, signal } = lab;
  const startedAt = clock.now();
  const answers: Trial['answers'] = [];
  recorder.calls = [];
  const answer: Answer = (question, verdict, because) => {
    answers.push({ question, verdict, because });
    say(`${question}: ${verdict}. ${because}`);
  };
  let why = 'the experiment came to no end';
  try {
    signal.throwIfAborted();
    say(`${name} …`);
    await run(lab, answer);
  } catch (error) {
    why = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  }
  for (const question of asks)
    if (!answers.some((given) => given.question === question)) answer(question, 'unknown', why);
  const { calls } = recorder;
  recorder.calls = [];
  // What is still there of a run would be in the way of the next one's machines.
  if (!signal.aborted && trial.minutes > 0)
    for (const left of await removeAll(lab)) say(`not removed yet: ${left}`);
  return { name, startedAt, endedAt: clock.now(), answers, calls };
}
