import { readFileSync } from 'node:fs';
import aslValidator from 'asl-validator';
import { describe, expect, it } from 'vitest';
import * as errors from '../../experiment/errors.ts';
import { checkDefinition } from './check-definition.ts';

const FILE = readFileSync(new URL('../../statemachine/experiment.asl.json', import.meta.url), 'utf8');

/** Every error of the two families, by the name under which it is exported. */
const concrete = Object.entries(errors).filter(
  ([, made]) => made !== errors.TerminalError && made !== errors.TransientError,
);
const names = concrete.map(([, made]) => String(Object(Reflect.construct(made, ['why'])).name));

it('every error has its class’s name as a literal, and one of the two families', () => {
  expect(names).toEqual(concrete.map(([name]) => name));
  for (const [name, made] of concrete) {
    const error: unknown = Reflect.construct(made, ['why']);
    expect(error, name).toBeInstanceOf(Error);
    const families = [errors.TerminalError, errors.TransientError];
    expect(
      families.filter((family) => error instanceof family),
      name,
    ).toHaveLength(1);
  }
});

it('the definition is valid, and holds nothing that validators pass over', () => {
  expect(aslValidator(JSON.parse(FILE)).errorsText()).toBe('');
  expect(checkDefinition(JSON.parse(FILE), names)).toEqual([]);
});

describe('the check finds', () => {
  it.each([
    [
      'a misspelt suffix',
      'lambda:invoke.waitForTaskToken',
      'lambda:invoke.waitForTasktoken',
      'no integration',
    ],
    ['a token that is not handed over', '$$.Task.Token', '$$.Execution.Id', 'the token is for a task'],
    ['a wait that is none', 'invoke.waitForTaskToken', 'invoke', 'the token is for a task'],
    ['an error that nobody throws', '"StillStopping"', '"StillStoping"', 'names StillStoping'],
    ['States.ALL in company', '["States.ALL"]', '["States.ALL", "StillStopping"]', 'does not stand alone'],
    [
      'States.ALL before others',
      '"Catch": [',
      '"Catch": [{ "ErrorEquals": ["States.ALL"], "Next": "Stop" },',
      'is not last',
    ],
    ['a comparison that does not exist', '"StringEquals"', '"StringEqual"', 'no comparison StringEqual'],
    ['a missing time limit', '"TimeoutSeconds": 300,', '', 'without a time limit'],
    [
      'a heartbeat as long as the limit',
      '"TimeoutSeconds": 300,',
      '"TimeoutSeconds": 300, "HeartbeatSeconds": 300,',
      'heartbeat',
    ],
    ['a path that is text', '"stop.$"', '"stop"', 'stop is the text $.runId'],
    ['a choice without default', '"Default": "NotSucceeded"', '"Comment": ""', 'without Default'],
  ])('%s', (_what, good, bad, fault) => {
    expect(FILE).toContain(good);
    const faults = checkDefinition(JSON.parse(FILE.replace(good, bad)), names);
    expect(faults.join('\n')).toContain(fault);
  });
});
