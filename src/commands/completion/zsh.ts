import type { CompletedCommand, CompletedOption } from './completed.ts'

/** https://zsh.sourceforge.io/Doc/Release/Completion-System.html */
export function zshCompletion(commands: readonly CompletedCommand[]): string {
  const names = commands.map(({ name, about }) => `    ${quoted(`${name}:${about}`)}`)
  const ofCommands = commands.map(({ name, words, options }) => {
    const first = words.length === 0 ? [] : [quoted(`1:what:(${words.join(' ')})`)]
    const file = name === 'config' ? [quoted('2:file:_files')] : []
    const all = [...options.map(optionText), quoted('--help[Show help]'), ...first, ...file]
    return `    ${name}) _arguments -S ${all.join(' \\\n      ')} ;;`
  })
  return `#compdef cdc-relay
# What zsh completes behind cdc-relay.
_cdc-relay() {
  local -a commands
  commands=(
${names.join('\n')}
  )
  if (( CURRENT == 2 )); then
    _describe command commands
    return
  fi
  local command=$words[2]
  shift words
  (( CURRENT-- ))
  case $command in
${ofCommands.join('\n')}
  esac
}
if [ "$funcstack[1]" = _cdc-relay ]; then _cdc-relay "$@"; else compdef _cdc-relay cdc-relay; fi
`
}

function optionText({ name, about, isFlag, values, isFile, isRepeatable }: CompletedOption): string {
  const taken = isFlag ? '' : `:${name}:${isFile ? '_files' : values === null ? '' : `(${values.join(' ')})`}`
  const text = about.replaceAll('\\', '\\\\').replaceAll(/[[\]:]/g, '\\$&')
  return quoted(`${isRepeatable ? '*' : ''}--${name}[${text}]${taken}`)
}

const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`
