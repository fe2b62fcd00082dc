import { defined } from '../../experiment/util/defined.ts';
import { readArguments } from '../../local/util/read-arguments.ts';

const ARCHITECTURES = ['x86_64', 'arm64'] as const;
export type Architecture = (typeof ARCHITECTURES)[number];

/** What an image is made with. */
export interface ImageOptions {
  architecture: Architecture;
  /** With SIERRA in it. */
  sierra: boolean;
  /** uid and gid of the account that nodes run as: the template's `UserId`. */
  userId: number;
  /** Instead of the Dockerfile's own. */
  nodeImage?: string;
  systemImage?: string;
  /** A repository without a tag: the image is pushed there. */
  push?: string;
}

export type ImageRequest =
  | { kind: 'help' }
  | { kind: 'pin' }
  | { kind: 'refused'; why: string }
  | { kind: 'build'; options: ImageOptions };

export const HELP = `npm run image -- [OPTIONS]

Builds the image that every node of a job runs (container/image/Dockerfile) with docker or buildah, whichever works here, and
prints its name. The tag is made from what is in it: the same content has the same tag.

  --push URI             push it to this repository (log in before); prints the name there
  --sierra               with SIERRA in it
  --architecture NAME    x86_64 or arm64, as the stack's NodeArchitecture; this machine's otherwise
  --user-id N            uid and gid that nodes run as, as the stack's UserId (1000); 0 is root, not in a stack
  --node-image IMAGE     where Node is taken from, instead of the Dockerfile's
  --system-image IMAGE   the Debian it is built on, instead of the Dockerfile's
  --pin                  builds nothing: writes the present digests of both into the Dockerfile
  --help`;

/** Reads the command line. Pure. */
export function readImageOptions(
  args: readonly string[],
  machine: string = process.arch === 'arm64' ? 'arm64' : 'x86_64',
): ImageRequest {
  const read = readArguments({
    args: [...args],
    options: {
      architecture: { type: 'string' },
      help: { type: 'boolean', short: 'h' },
      'node-image': { type: 'string' },
      pin: { type: 'boolean' },
      push: { type: 'string' },
      sierra: { type: 'boolean' },
      'system-image': { type: 'string' },
      'user-id': { type: 'string', default: '1000' },
    },
  });
  if ('why' in read) return { kind: 'refused', why: read.why };
  const { values } = read;
  if (values.help === true) return { kind: 'help' };
  if (values.pin === true) return { kind: 'pin' };
  const wanted = values.architecture ?? machine;
  const architecture = ARCHITECTURES.find((name) => name === wanted);
  if (architecture === undefined)
    return { kind: 'refused', why: `--architecture is ${ARCHITECTURES.join(' or ')}, not ${wanted}` };
  const userId = Number(values['user-id']);
  if (!/^\d{1,10}$/.test(values['user-id']) || userId > 4_294_967_294)
    return { kind: 'refused', why: `--user-id is a number, not ${values['user-id']}` };
  const { push } = values;
  if (push !== undefined && /[@\s]|:[^/]*$/.test(push))
    return { kind: 'refused', why: `--push is a repository without a tag, not ${push}` };
  return {
    kind: 'build',
    options: {
      architecture,
      sierra: values.sierra === true,
      userId,
      ...defined({ nodeImage: values['node-image'], systemImage: values['system-image'], push }),
    },
  };
}
