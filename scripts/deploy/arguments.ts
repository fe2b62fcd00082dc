import { readArguments } from '../../local/util/read-arguments.ts';

export interface DeployOptions {
  stack: string;
  region: string | undefined;
  profile: string | undefined;
  /** Although jobs run; what they run on is left alone then. */
  force: boolean;
  /** Looks and tells, and changes nothing. */
  checkOnly: boolean;
  /** Of the template, as given now. Those given earlier stay as they are. */
  parameters: Readonly<Record<string, string>>;
}

export type DeployRequest =
  | { kind: 'help' }
  | { kind: 'refused'; why: string }
  | { kind: 'deploy'; options: DeployOptions };

export const HELP = `npm run deploy -- [OPTIONS] [PARAMETER=VALUE …]

Installs or updates the system in an AWS account: looks whether it can work there, bundles, builds the nodes' image,
runs \`sam deploy\`, pushes the image, and looks whether all of it is there. PARAMETERs are those of template.yaml; a stack
keeps the ones that it was given before.

  npm run deploy -- --check
  npm run deploy -- MaxvCpus=512 Email=lab@example.org

  --stack NAME      sierra-batch otherwise
  --region NAME     otherwise AWS_REGION, or the profile's
  --profile NAME    of ~/.aws/config, otherwise AWS_PROFILE
  --sierra          the nodes' image with SIERRA in it, as Sierra=true: it stays so until Sierra=false
  --force           although jobs run: they go on, and a change of what they run on is refused
  --check           only looks, and changes nothing
  --help

Exit codes: 0 done, 1 refused or failed, 2 this account or machine cannot do it, with what to do.`;

/** Reads the command line. Pure. @param known the template's parameters */
export function readDeployOptions(args: readonly string[], known: readonly string[]): DeployRequest {
  const read = readArguments({
    args: [...args],
    allowPositionals: true,
    options: {
      check: { type: 'boolean' },
      force: { type: 'boolean' },
      help: { type: 'boolean', short: 'h' },
      profile: { type: 'string' },
      region: { type: 'string' },
      sierra: { type: 'boolean' },
      stack: { type: 'string', default: 'sierra-batch' },
    },
  });
  if ('why' in read) return { kind: 'refused', why: read.why };
  const { values, positionals } = read;
  if (values.help === true) return { kind: 'help' };
  // AWS's 64 for roles and rules, less what `npm run prove` hangs on.
  if (!/^[a-zA-Z][a-zA-Z0-9-]{0,50}$/.test(values.stack))
    return { kind: 'refused', why: `--stack is up to 51 letters, digits and hyphens, not ${values.stack}` };
  const parameters: Record<string, string> = {};
  for (const text of positionals) {
    const [, name = '', value = ''] = /^([^=]+)=(.*)$/s.exec(text) ?? [];
    if (!known.includes(name))
      return {
        kind: 'refused',
        why: `${text} is not PARAMETER=VALUE with a parameter of template.yaml (${known.join(' ')})`,
      };
    parameters[name] = value;
  }
  if (values.sierra === true) {
    if (parameters.Sierra === 'false') return { kind: 'refused', why: '--sierra is Sierra=true, not false' };
    parameters.Sierra = 'true';
  }
  if (parameters.ImageTag !== undefined)
    return {
      kind: 'refused',
      why: 'ImageTag is made from what is in the image; another image is Image=NAME',
    };
  if (parameters.Gpus !== undefined)
    return { kind: 'refused', why: 'Gpus follows from InstanceTypes: give those' };
  return {
    kind: 'deploy',
    options: {
      stack: values.stack,
      region: values.region,
      profile: values.profile,
      force: values.force === true,
      checkOnly: values.check === true,
      parameters,
    },
  };
}
