import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Course } from './course-of-a-run.ts';
import { play } from './course-of-a-run.ts';
import { ourInterpreter } from './interpreter.ts';
import { startMotoInterpreter } from './moto-interpreter.ts';

/** As it is deployed: nothing of it is shortened for either interpreter. */
const DEFINITION = readFileSync(
  new URL('../../../statemachine/experiment.asl.json', import.meta.url),
  'utf8',
);

let moto: Awaited<ReturnType<typeof startMotoInterpreter>>;
beforeAll(async () => {
  moto = await startMotoInterpreter(DEFINITION);
});
afterAll(() => moto.close());

const FULL = 'Lambda.TooManyRequestsException';
const TO_THE_END = ['Collect', 'Outcome', 'Succeeded'];
const NOT_TO_IT = ['Collect', 'Outcome', 'NotSucceeded'];
const first =
  (times: number, error: string) =>
  (call: number): string | undefined =>
    call <= times ? error : undefined;
const always = (error: string) => () => error;

const COURSES: [string, Course, { status: string; error: string; entered: string[] }][] = [
  ['all tasks succeed', { exitCode: 0 }, { status: 'SUCCEEDED', error: '', entered: ['Run', ...TO_THE_END] }],
  ['tasks fail', { exitCode: 1 }, { status: 'FAILED', error: 'RunFailed', entered: ['Run', ...NOT_TO_IT] }],
  [
    'submit refuses for good',
    { submit: always('RunRefused') },
    { status: 'FAILED', error: 'RunFailed', entered: ['Run', 'Stop', ...NOT_TO_IT] },
  ],
  [
    'submit fails three times and then does not',
    { submit: first(3, 'ServiceUnavailable'), exitCode: 0 },
    { status: 'SUCCEEDED', error: '', entered: ['Run', ...TO_THE_END] },
  ],
  [
    'submit fails as often as it is tried',
    { submit: always('ControlConflict') },
    { status: 'FAILED', error: 'RunFailed', entered: ['Run', 'Stop', ...NOT_TO_IT] },
  ],
  [
    'no function has room for a while',
    { submit: first(30, FULL), collect: first(30, FULL), exitCode: 0, jitters: true },
    { status: 'SUCCEEDED', error: '', entered: ['Run', ...TO_THE_END] },
  ],
  [
    'the time of Run is over',
    { timeoutSeconds: 2 },
    { status: 'FAILED', error: 'RunTimedOut', entered: ['Run', 'Stop', ...NOT_TO_IT] },
  ],
  [
    'the time of Run is over, and the job takes its time to die',
    { timeoutSeconds: 2, ignoreTerm: true },
    { status: 'FAILED', error: 'RunTimedOut', entered: ['Run', 'Stop', ...NOT_TO_IT] },
  ],
  [
    'stopping fails as often as it is tried',
    { submit: always('RunRefused'), settle: always('ServiceUnavailable') },
    { status: 'FAILED', error: 'ServiceUnavailable', entered: ['Run', 'Stop'] },
  ],
  [
    'collecting fails three times and then does not',
    { collect: first(3, 'TypeError'), exitCode: 0 },
    { status: 'SUCCEEDED', error: '', entered: ['Run', ...TO_THE_END] },
  ],
  [
    'collecting fails as often as it is tried',
    { collect: always('ServiceUnavailable'), exitCode: 0 },
    { status: 'FAILED', error: 'ServiceUnavailable', entered: ['Run', 'Collect'] },
  ],
  [
    'collecting is refused for good',
    { collect: always('UnknownRecord'), exitCode: 0 },
    { status: 'FAILED', error: 'UnknownRecord', entered: ['Run', 'Collect'] },
  ],
  [
    'the token is failed for good',
    { tokenFails: 'RunRefused' },
    { status: 'FAILED', error: 'RunFailed', entered: ['Run', 'Stop', ...NOT_TO_IT] },
  ],
  [
    'the token is failed with a word of somebody else: Run is tried again over the same job',
    { tokenFails: 'Theirs', exitCode: 0 },
    { status: 'SUCCEEDED', error: '', entered: ['Run', ...TO_THE_END] },
  ],
  ['the execution is aborted', { aborted: true }, { status: 'ABORTED', error: '', entered: ['Run'] }],
];

it.each(COURSES)(
  '%s: the two interpreters end in the same state by the same way',
  async (_what, course, expected) => {
    const name = `sweep-${COURSES.findIndex(([, one]) => one === course)}`;
    const ours = await play(course, name, ourInterpreter(DEFINITION));
    expect(ours).toMatchObject({ ...expected, alive: 0 });
    expect(await play(course, name, moto.open)).toEqual(ours);
  },
);
