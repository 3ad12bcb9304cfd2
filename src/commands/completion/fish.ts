import type { CompletedCommand, CompletedOption } from './completed.ts'

/** https://fishshell.com/docs/current/completions.html */
export function fishCompletion(commands: readonly CompletedCommand[]): string {
  const lines = commands.flatMap((command) => [
    line('__fish_use_subcommand', `-a ${command.name}`, command.about),
    ...(command.words.length === 0 ? [] : [line(seen(command), `-a ${quoted(command.words.join(' '))}`, '')]),
    ...command.options.map((option) => line(seen(command), optionText(option), option.about)),
  ])
  const file = `complete -c cdc-relay -n '__fish_seen_subcommand_from config; and __fish_seen_subcommand_from check' -F`
  return `# What fish completes behind cdc-relay.
complete -c cdc-relay -f
complete -c cdc-relay -l help -d 'Show help'
${lines.join('\n')}
${file}
`
}

const seen = ({ name }: CompletedCommand): string => `__fish_seen_subcommand_from ${name}`

function optionText({ name, isFlag, values, isFile }: CompletedOption): string {
  if (isFlag) return `-l ${name}`
  if (isFile) return `-l ${name} -r -F`
  return values === null ? `-l ${name} -x` : `-l ${name} -x -a ${quoted(values.join(' '))}`
}

const line = (when: string, what: string, about: string): string =>
  `complete -c cdc-relay -n ${quoted(when)} ${what}${about === '' ? '' : ` -d ${quoted(about)}`}`

const quoted = (text: string): string => `'${text.replaceAll(/['\\]/g, '\\$&')}'`
