import type { Judged } from './rule-context.ts';

const MAX_TAGS = 40;
const MAX_ENVIRONMENT_BYTES = 16 * 1024;
/** What AWS takes in tags: Batch refuses a whole job for a bracket in one. */
const IN_TAGS = /^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$/u;
const TAG_SIGNS = 'a tag may have letters, digits, spaces and the signs _ . : / = + - @ on AWS';

/** Environment and tags: names that are reserved, and how much there may be. */
export function judgeNamesAndTags(judged: Judged): void {
  const environment = judged.map(['environment']) ?? {};
  let bytes = 0;
  for (const [name, value] of Object.entries(environment)) {
    bytes += Buffer.byteLength(`${name}=${String(value)}`) + 1;
    if (/^(AWS_BATCH_|SIERRA_BATCH_)/.test(name))
      judged.keyFault(
        ['environment', name],
        'reserved',
        'names beginning with AWS_BATCH_ and SIERRA_BATCH_ are reserved',
      );
  }
  if (bytes > MAX_ENVIRONMENT_BYTES)
    judged.fault(
      ['environment'],
      'too-large',
      `the variables have ${bytes} bytes in all, and 16 KiB are allowed`,
    );
  judgeParallel(judged, environment.PARALLEL);
  const tags = judged.map(['tags']) ?? {};
  for (const [name, value] of Object.entries(tags)) {
    if (/^(aws|sierra-batch):/i.test(name))
      judged.keyFault(['tags', name], 'reserved', 'tags beginning with aws: and sierra-batch: are reserved');
    if ([...String(value)].length > 256)
      judged.fault(['tags', name], 'too-large', 'the value of a tag has at most 256 characters');
    if (!IN_TAGS.test(name)) judged.keyFault(['tags', name], 'bad-key', `the name of ${TAG_SIGNS}`);
    if (!IN_TAGS.test(String(value))) judged.fault(['tags', name], 'bad-value', `the value of ${TAG_SIGNS}`);
  }
  if (Object.keys(tags).length > MAX_TAGS)
    judged.fault(
      ['tags'],
      'out-of-range',
      `${Object.keys(tags).length} tags, and at most ${MAX_TAGS} are allowed`,
    );
}

/** The pool starts GNU parallel with options of its own. SIERRA's line is followed with its user's, or left to GNU parallel. */
function judgeParallel(judged: Judged, options: unknown): void {
  const isFollowed = judged.at(['run', 'fanout']) === 'stock' || judged.at(['run', 'commands']) === undefined;
  const ignored = String(options ?? '')
    .match(/(?<=^|\s)--?[a-z][\w-]*/gi)
    ?.filter((option) => !['--env', '--will-cite'].includes(option));
  if (!isFollowed && ignored !== undefined && ignored.length > 0)
    judged.warn(
      ['environment', 'PARALLEL'],
      'parallel-options',
      `of PARALLEL only --env has an effect here, without effect: ${ignored.slice(0, 5).join(', ')}; see \`stopAfter\`, \`retry.tasks\` and \`timeouts.task\`, or use \`fanout: stock\``,
    );
}

/** The schema passes over this one name without a word. */
export function judgePrototype(judged: Judged): void {
  for (const path of [['environment'], ['tags'], ['run', 'commands', 'matrix']]) {
    const map = judged.map(path);
    if (map !== undefined && Object.hasOwn(map, '__proto__'))
      judged.keyFault([...path, '__proto__'], 'bad-key', 'is not a name that is allowed here');
  }
}
