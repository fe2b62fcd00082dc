/** What a completion needs to know of a command; commander's own commands have it. */
interface Described {
  name(): string;
  summary(): string;
  registeredArguments: readonly { name(): string; argChoices?: readonly string[] | undefined }[];
  options: readonly DescribedOption[];
}

interface DescribedOption {
  long?: string | undefined;
  description: string;
  /** It takes a value. */
  required: boolean;
  argChoices?: readonly string[] | undefined;
}

/**
 * A script that completes commands, options, their values and, where a command takes one, files and ids of runs. Those it
 * asks the command itself for, of the system that the line names.
 */
export function completion(commands: readonly Described[], shell: 'bash' | 'zsh'): string {
  return shell === 'bash' ? forBash(commands) : forZsh(commands);
}

/** Of the answer for machines, which has a line for each key. */
const RUN_IDS = String.raw`sed -n 's/^ *"runId": "\([a-z0-9-]*\)".*$/\1/p'`;

function forBash(commands: readonly Described[]): string {
  const names = commands.map((command) => command.name());
  const values = new Map(
    commands.flatMap(({ options }) =>
      options.flatMap(({ long, required, argChoices }) =>
        long !== undefined && required ? [[long, argChoices ?? []] as const] : [],
      ),
    ),
  );
  const ofOptions = [...values].map(([option, choices]) => {
    const answer =
      option === '--output'
        ? '_sierra_batch_files'
        : `COMPREPLY=($(compgen -W "${choices.join(' ')}" -- "$word"))`;
    return `    ${option}) ${answer}; return ;;`;
  });
  const ofCommands = commands.map((command) => {
    const options = command.options.flatMap(({ long }) => long ?? []);
    return `    ${command.name()}) options="${[...options, '--help'].join(' ')}" words="${choicesOf(command).join(' ')}" files=${takesFiles(command) ? 1 : ''} runs=${takesRun(command) ? 1 : ''} ;;`;
  });
  return `_sierra_batch() {
  local word="\${COMP_WORDS[COMP_CWORD]}" options="" words="" files="" runs=""
  COMPREPLY=()
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W "${[...names, 'help'].join(' ')}" -- "$word"))
    return
  fi
  case "\${COMP_WORDS[COMP_CWORD-1]}" in
${ofOptions.join('\n')}
  esac
  case "\${COMP_WORDS[1]}" in
    help) words="${names.join(' ')}" ;;
${ofCommands.join('\n')}
  esac
  case "$word" in
    -*) COMPREPLY=($(compgen -W "$options" -- "$word")) ;;
    *)
      if [ -n "$runs" ] && { [ -z "$files" ] || [ "$COMP_CWORD" -eq 2 ]; }; then
        COMPREPLY=($(compgen -W "$(_sierra_batch_runs)" -- "$word"))
      elif [ -n "$files" ]; then
        _sierra_batch_files
      else
        COMPREPLY=($(compgen -W "$words" -- "$word"))
      fi
      ;;
  esac
}
_sierra_batch_files() {
  compopt -o filenames
  COMPREPLY=($(compgen -f -- "$word"))
}
_sierra_batch_runs() {
  local at=() i
  for ((i = 2; i < COMP_CWORD; i++)); do
    case "\${COMP_WORDS[i]}" in
      --local) at+=(--local) ;;
      --stack | --region | --profile) at+=("\${COMP_WORDS[i]}" "\${COMP_WORDS[i + 1]}") ;;
    esac
  done
  "\${COMP_WORDS[0]}" runs --json "\${at[@]}" 2> /dev/null | ${RUN_IDS}
}
complete -F _sierra_batch sierra-batch
`;
}

/** To be sourced, or to be kept as `_sierra-batch` in a folder of $fpath. */
function forZsh(commands: readonly Described[]): string {
  const all = commands.map((command) => quoted(`${command.name()}:${command.summary()}`));
  const cases = commands.map((command) => {
    const specs = command.options.flatMap((option) => optionSpecs(option));
    return `    ${command.name()}) _arguments ${[...specs, "'--help[its help]'", ...restSpecs(command)].join(' ')} ;;`;
  });
  return `#compdef sierra-batch
_sierra_batch() {
  local -a commands
  commands=(${[...all, "'help:the help of a command'"].join(' ')})
  if (( CURRENT == 2 )); then
    _describe command commands
    return
  fi
  local program=$words[1]
  shift words
  (( CURRENT -= 1 ))
  case $words[1] in
    help) _describe command commands ;;
${cases.join('\n')}
  esac
}
_sierra_batch_runs() {
  local -a at runs
  local i
  for (( i = 2; i < CURRENT; i++ )); do
    case $words[i] in
      --local) at+=(--local) ;;
      --stack|--region|--profile) at+=($words[i] $words[i+1]) ;;
    esac
  done
  runs=(\${(f)"$($program runs --json $at 2> /dev/null | ${RUN_IDS})"})
  compadd -a runs
}
if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
  _sierra_batch "$@"
else
  compdef _sierra_batch sierra-batch
fi
`;
}

function optionSpecs({ long, description, required, argChoices }: DescribedOption): string[] {
  if (long === undefined) return [];
  const text = description.replaceAll(/[[\]:\\]/g, '\\$&');
  const value =
    argChoices === undefined ? (long === '--output' ? '_files' : ' ') : `(${argChoices.join(' ')})`;
  return [quoted(`${long}[${text}]${required ? `:value:${value}` : ''}`)];
}

function restSpecs(command: Described): string[] {
  const choices = choicesOf(command);
  const run = takesRun(command) ? ["'1:run:_sierra_batch_runs'"] : [];
  if (takesFiles(command)) return [...run, "'*:file:_files'"];
  if (takesRun(command)) return ["'*:run:_sierra_batch_runs'"];
  return command.registeredArguments.length > 0 ? [quoted(`*:value:(${choices.join(' ')})`)] : [];
}

function choicesOf({ registeredArguments }: Described): readonly string[] {
  return registeredArguments.flatMap(({ argChoices }) => argChoices ?? []);
}

function takesRun({ registeredArguments }: Described): boolean {
  return registeredArguments.some((argument) => argument.name() === 'run');
}

function takesFiles({ registeredArguments }: Described): boolean {
  return registeredArguments.some((argument) => ['file', 'folder'].includes(argument.name()));
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
