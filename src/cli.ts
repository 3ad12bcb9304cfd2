import { pathToFileURL } from 'node:url'
import yargs, { type Argv } from 'yargs'
import type { Command } from './commands/command.ts'
import { COMMANDS } from './commands/commands.ts'
import { hideArguments } from './commands/hide-arguments.ts'
import { SINK_EXAMPLES } from './commands/sink-examples.ts'
import { writtenFlags } from './commands/written-flags.ts'
import { maskedWord } from './mask.ts'
import { suggestion } from './nearest.ts'
import { ownVersion } from './version.ts'

const NAMES = [...COMMANDS.map(({ name }) => name), 'help']

/** Runs the program and leaves with its exit code. */
export async function main(args: readonly string[]): Promise<void> {
  hideArguments(args)
  let isDone = false
  const program = yargs(args)
    .parserConfiguration({
      'camel-case-expansion': false,
      'boolean-negation': false,
      'greedy-arrays': false,
      'dot-notation': false,
      // An id is a text.
      'parse-positional-numbers': false,
    })
    .scriptName('cdc-relay')
    .usage(
      '$0 <command>\n\nMoves row changes out of Kinesis streams into databases: nothing lost, nothing old over something newer.',
    )
  for (const command of COMMANDS) {
    program.command(
      command.name,
      command.about,
      (own: Argv, asksForHelp?: boolean) =>
        asksForHelp ? described(own, command) : own.options(hidden(command.options)),
      async (argv) => {
        isDone = true
        process.exitCode = await command.run({ ...argv, ...writtenFlags(args, command.options) })
      },
    )
  }
  program
    .command(
      'help [command]',
      'Show this, or the help of a command',
      (command) => command.positional('command', { type: 'string' }),
      async ({ command }) => {
        isDone = true
        if (command !== undefined && !NAMES.includes(command)) return refuse(unknownCommand(command))
        await main([...(command === undefined ? [] : [command]), '--help'])
      },
    )
    .example('$0 run --source orders-cdc --sink postgresql://app@db/warehouse', 'mirror a table')
    .epilogue(`${SINK_EXAMPLES}\n\n\`cdc-relay run --help\` lists all options.`)
    .alias({ h: 'help', v: 'version' })
    .version(ownVersion())
    .help()
    .wrap(Math.min(120, process.stdout.columns ?? 100))
    .fail((message, error) => {
      // What yargs itself has against the command line comes as an error, too.
      if (error && error.name !== 'YError') throw error
      isDone = true
      refuse(`${message ?? error.message}. \`--help\` behind a command lists its options.`)
    })
  const { _: words } = await program.parseAsync()
  if (isDone) return
  if (words.length === 0) console.error(`${await program.getHelp()}\n`)
  refuse(words.length === 0 ? 'Which command? `cdc-relay run` reads a stream.' : unknownCommand(String(words[0])))
}

/** What the help of a command says. */
function described(program: Argv, { usage, options, examples = [], epilogue }: Command): Argv {
  program.usage(`$0 ${usage}`).options(options).epilogue(epilogue)
  for (const [words, what] of examples) program.example(`$0 ${words}`, what)
  return program
}

/** The same options, out of the help: yargs lays it out for each command that it runs, at the price of a tenth of the start. */
const hidden = (options: Command['options']): Command['options'] =>
  Object.fromEntries(Object.entries(options).map(([name, option]) => [name, { ...option, hidden: true }]))

function unknownCommand(word: string): string {
  const isUrl = /^[a-z][a-z0-9+.-]*:/i.test(word)
  const hint = isUrl ? ' (did you mean cdc-relay run --source STREAM --sink URL?)' : suggestion(word, NAMES)
  return `Unknown command: ${maskedWord(word)}${hint}. \`cdc-relay --help\` lists all.`
}

/** What yargs shows of the command line may be a URL with its password. */
function refuse(message: string): void {
  console.error(message.split(' ').map(maskedWord).join(' '))
  process.exitCode = 2
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  await main(process.argv.slice(2))
}
