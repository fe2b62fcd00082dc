import { readFileSync } from 'node:fs';
import aslValidator from 'asl-validator';
import { expect, it } from 'vitest';
import * as errors from '../../experiment/util/errors.ts';
import { DEFINITION } from '../../scripts/check-aws/rules/definition.ts';
import { resolveTemplate } from '../../scripts/check-aws/template/resolve.ts';

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
  const system = { stack: resolveTemplate({}, 'none'), asl: JSON.parse(FILE) };
  expect(DEFINITION.flatMap((rules) => rules.find(system))).toEqual([]);
});
