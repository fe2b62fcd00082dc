import type { Plan } from '../../experiment/plan/plan.ts';

/** What SIERRA's interface and its users rest on: they reach every task where node 0 has them. */
const INHERITED = ['HOME', 'PATH', 'LD_LIBRARY_PATH', 'PYTHONPATH', 'PARALLEL', 'PARALLEL_SHELL'];

/** Each takes all CPUs of its node unless it is told of fewer. */
const THREADS = ['OMP', 'OPENBLAS', 'MKL', 'BLIS', 'NUMEXPR', 'NUMBA'].map((name) => `${name}_NUM_THREADS`);
const LOCALE = /^(LANG|LANGUAGE|LC_[A-Z]+)$/;

/**
 * The variables that every task gets on every node: the manifest's `environment`, what SIERRA's interface names, and
 * what `PARALLEL`'s `--env NAME` lists, the locale and how many threads a task has. What node 0 does not have of the others
 * stays undefined everywhere.
 */
export function taskEnvironment(
  plan: Pick<Plan, 'environment' | 'threads'>,
  ownVariables: Readonly<Record<string, string>>,
): Record<string, string> {
  const all = { ...ownVariables, ...plan.environment };
  const names = [...INHERITED, ...namesInParallel(all.PARALLEL ?? '')];
  const inherited = names.flatMap((name) => {
    const value = all[name];
    return value === undefined ? [] : [[name, value] as const];
  });
  const threads = plan.threads === undefined ? [] : THREADS.map((name) => [name, String(plan.threads)]);
  return {
    ...Object.fromEntries(threads),
    ...locale(ownVariables, plan.environment),
    ...Object.fromEntries(inherited),
    ...plan.environment,
  };
}

/** Of the image or machine, where the manifest says nothing that it would overrule; UTF-8 where nobody says anything. */
function locale(own: Readonly<Record<string, string>>, set: Plan['environment']): Record<string, string> {
  const isSet = (name: string) => set[name] !== undefined;
  if (isSet('LANG') || isSet('LC_ALL')) return {};
  const overrules = (name: string) => name === 'LC_ALL' && Object.keys(set).some((one) => LOCALE.test(one));
  const names = Object.keys(own).filter((name) => LOCALE.test(name) && own[name] !== '' && !overrules(name));
  const says = ['LANG', 'LC_ALL', 'LC_CTYPE'].some((name) => names.includes(name) || isSet(name));
  return {
    ...(says ? {} : { LANG: 'C.UTF-8' }),
    ...Object.fromEntries(names.map((name) => [name, own[name] ?? ''])),
  };
}

/** Names after `--env` in GNU parallel's options, as `--env A --env B,C` or `--env=A`; `_` means something else there. */
export function namesInParallel(options: string): string[] {
  return [...options.matchAll(/(?:^|\s)--env[=\s]+(\S+)/g)]
    .flatMap(([, names = '']) => names.split(','))
    .map((name) => name.replace(/^["']|["']$/g, ''))
    .filter((name) => /^[A-Za-z][A-Za-z0-9_]*$|^_[A-Za-z0-9_]+$/.test(name));
}
