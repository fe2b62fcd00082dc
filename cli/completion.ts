/** What a completion needs to know of a command; commander's own commands have it. */
interface Described {
  name(): string;
  summary(): string;
  options: readonly { long?: string | undefined; argChoices?: readonly string[] | undefined }[];
}

/** A script for bash; zsh takes the same by its own bashcompinit. */
export function completion(commands: readonly Described[], shell: 'bash' | 'zsh'): string {
  const cases = commands.map((command) => {
    const options = command.options.flatMap(({ long }) => long ?? []).join(' ');
    return `    ${command.name()}) words="${options} --help" ;;`;
  });
  const values = new Map(
    commands.flatMap(({ options }) =>
      options.flatMap(({ long, argChoices }) =>
        long === undefined || argChoices === undefined ? [] : [[long, argChoices.join(' ')] as const],
      ),
    ),
  );
  const choices = [...values].map(
    ([option, words]) => `    ${option}) COMPREPLY=($(compgen -W "${words}" -- "$word")); return ;;`,
  );
  return `${shell === 'zsh' ? 'autoload -U +X bashcompinit && bashcompinit\n' : ''}_sierra_batch() {
  local word="\${COMP_WORDS[COMP_CWORD]}" words=""
  COMPREPLY=()
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W "${commands.map((command) => command.name()).join(' ')} help" -- "$word"))
    return
  fi
  case "\${COMP_WORDS[COMP_CWORD-1]}" in
${choices.join('\n')}
  esac
  case "\${COMP_WORDS[1]}" in
${cases.join('\n')}
  esac
  case "$word" in
    -*) COMPREPLY=($(compgen -W "$words" -- "$word")) ;;
    *) COMPREPLY=($(compgen -f -- "$word")) ;;
  esac
}
complete -o filenames -F _sierra_batch sierra-batch
`;
}
