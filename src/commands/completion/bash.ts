import type { CompletedCommand } from './completed.ts'

/** https://www.gnu.org/software/bash/manual/html_node/Programmable-Completion.html */
export function bashCompletion(commands: readonly CompletedCommand[]): string {
  const options = commands.flatMap((command) => command.options)
  const byOption = new Map(options.map((option) => [option.name, option]))
  const values = [...byOption.values()].flatMap(({ name, values, isFile, isFlag }) => {
    if (values !== null)
      return [`    --${name}) COMPREPLY=($(compgen -W ${quoted(values.join(' '))} -- "$word")); return ;;`]
    if (isFile) return [`    --${name}) COMPREPLY=($(compgen -f -- "$word")); return ;;`]
    // What only the operator knows.
    return isFlag ? [] : [`    --${name}) return ;;`]
  })
  const ofCommands = commands.map(({ name, words, options }) => {
    const all = [...words, ...options.map((option) => `--${option.name}`), '--help']
    return `    ${name}) all=${quoted(all.join(' '))} ;;`
  })
  return `# What bash completes behind cdc-relay.
_cdc_relay() {
  local word="\${COMP_WORDS[COMP_CWORD]}" before="\${COMP_WORDS[COMP_CWORD-1]}" all=''
  COMPREPLY=()
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W ${quoted([...commands.map(({ name }) => name), '--help', '--version'].join(' '))} -- "$word"))
    return
  fi
  case "$before" in
${values.join('\n')}
  esac
  case "\${COMP_WORDS[1]}" in
${ofCommands.join('\n')}
  esac
  COMPREPLY=($(compgen -W "$all" -- "$word"))
  if [ "\${COMP_WORDS[1]} $before" = 'config check' ]; then COMPREPLY=($(compgen -f -- "$word")); fi
}
complete -F _cdc_relay cdc-relay
`
}

const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`
