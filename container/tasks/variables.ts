import type { Plan } from '../../experiment/plan/plan.ts';

/** What SIERRA's interface and its users rest on: they reach every task where node 0 has them. */
const INHERITED = ['HOME', 'PATH', 'LD_LIBRARY_PATH', 'PYTHONPATH', 'PARALLEL', 'PARALLEL_SHELL'];

/**
 * The variables that every task gets on every node: the manifest's `environment`, what SIERRA's interface names, and
 * what `PARALLEL`'s `--env NAME` lists. What node 0 does not have stays undefined everywhere.
 */
export function taskEnvironment(
  plan: Pick<Plan, 'environment'>,
  ownVariables: Readonly<Record<string, string>>,
): Record<string, string> {
  const all = { ...ownVariables, ...plan.environment };
  const names = [...INHERITED, ...namesInParallel(all.PARALLEL ?? '')];
  const inherited = names.flatMap((name) => {
    const value = all[name];
    return value === undefined ? [] : [[name, value] as const];
  });
  return { ...Object.fromEntries(inherited), ...plan.environment };
}

/** Names after `--env` in GNU parallel's options, as `--env A --env B,C` or `--env=A`; `_` means something else there. */
export function namesInParallel(options: string): string[] {
  return [...options.matchAll(/(?:^|\s)--env[=\s]+(\S+)/g)]
    .flatMap(([, names = '']) => names.split(','))
    .map((name) => name.replace(/^["']|["']$/g, ''))
    .filter((name) => /^[A-Za-z][A-Za-z0-9_]*$|^_[A-Za-z0-9_]+$/.test(name));
}
