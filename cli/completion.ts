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

/** A script that completes commands, options, their values and, where a command takes one, files. */
export function completion(commands: readonly Described[], shell: 'bash' | 'zsh'): string {
  return shell === 'bash' ? forBash(commands) : forZsh(commands);
}

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
    return `    ${command.name()}) options="${[...options, '--help'].join(' ')}" words="${choicesOf(command).join(' ')}" files=${takesFiles(command) ? 1 : ''} ;;`;
  });
  return `_sierra_batch() {
  local word="\${COMP_WORDS[COMP_CWORD]}" options="" words="" files=""
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
      if [ -n "$files" ]; then
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
  shift words
  (( CURRENT -= 1 ))
  case $words[1] in
    help) _describe command commands ;;
${cases.join('\n')}
  esac
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
  if (takesFiles(command)) return ["'*:file:_files'"];
  return command.registeredArguments.length > 0 ? [quoted(`*:value:(${choices.join(' ')})`)] : [];
}

function choicesOf({ registeredArguments }: Described): readonly string[] {
  return registeredArguments.flatMap(({ argChoices }) => argChoices ?? []);
}

function takesFiles({ registeredArguments }: Described): boolean {
  return registeredArguments.some((argument) => ['file', 'folder'].includes(argument.name()));
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
