import type { Command } from '../src/commands/command.ts'

/** The page that `man cdc-relay` shows: what --help says of each command, as roff. https://man7.org/linux/man-pages/man7/man.7.html */
export function manPage(commands: readonly Command[], version: string): string {
  return `${[
    `.TH CDC\\-RELAY 1 "" "cdc\\-relay ${text(version)}"`,
    '.SH NAME',
    'cdc\\-relay \\- move row changes out of Kinesis streams into databases',
    '.SH SYNOPSIS',
    ...commands.flatMap(({ usage }) => ['.B cdc\\-relay', text(usage), '.br']),
    '.SH COMMANDS',
    ...commands.flatMap(({ name, about }) => ['.TP', `.B ${text(name)}`, text(about)]),
    ...commands.flatMap(commandText),
    '.SH SEE ALSO',
    'The pages in docs/ of the package; docs/errors.md has every error code, docs/logs.md every code of the log.',
  ].join('\n')}\n`
}

function commandText({ name, options, examples = [], epilogue }: Command): string[] {
  const groups = Map.groupBy(Object.entries(options), ([, { group }]) => group ?? 'Options:')
  return [
    `.SH ${text(name.toUpperCase())}`,
    ...Array.from(groups, ([group, entries]) => [
      `.SS ${text(group!.replace(/:$/, ''))}`,
      ...entries.flatMap(([option, { type, describe = '', defaultDescription }]) => [
        '.TP',
        `.B ${text(`--${option}${type === 'boolean' ? '' : ' …'}`)}`,
        text(`${describe}${defaultDescription === undefined ? '' : ` [default: ${defaultDescription}]`}`),
      ]),
    ]).flat(),
    ...(examples.length === 0 ? [] : ['.SS Examples']),
    ...examples.flatMap(([words, what]) => ['.TP', `.B ${text(`cdc-relay ${words}`)}`, text(what)]),
    '.PP',
    ...epilogue.split('\n').flatMap((line) => (line === '' ? ['.PP'] : [text(line), '.br'])),
  ]
}

/** What roff takes as it stands: no line of it is a request. */
const text = (words: string): string =>
  `\\&${words.replaceAll(/\s+/g, ' ').trim().replaceAll('\\', '\\e').replaceAll('-', '\\-').replaceAll('…', '...')}`
