import { pathToFileURL } from 'node:url'
import yargs from 'yargs'
import { CHECK_OPTIONS } from './commands/check-options.ts'
import { hideArguments } from './commands/hide-arguments.ts'
import { RUN_OPTIONS } from './commands/run-options.ts'
import { SINK_EXAMPLES } from './commands/sink-examples.ts'
import { writtenFlags } from './commands/written-flags.ts'
import { suggestion } from './nearest.ts'
import { maskedWord } from './observe/mask.ts'
import { ownVersion } from './version.ts'

const COMMANDS = ['run', 'check', 'help']

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
    })
    .scriptName('cdc-relay')
    .usage(
      '$0 <command>\n\nMoves row changes out of Kinesis streams into databases: nothing lost, nothing old over something newer.',
    )
    .command(
      'run',
      'Read a stream and keep the target up to date, until stopped',
      (command) =>
        command
          .usage('$0 run --source STREAM --sink URL [options]')
          .options(RUN_OPTIONS)
          .example('$0 run --source orders-cdc --sink postgresql://app@db/warehouse', 'mirror a table, for months')
          .example('$0 run --source orders-cdc --sink pglite:./data --until-latest', 'catch up and end')
          .example('$0 run --source file:- --sink jsonl:-', 'show what records decode to')
          .epilogue(
            `${SINK_EXAMPLES}\n\n` +
              'Every option may also stand in a YAML file (--config) or in a variable: --batch-records is CDC_RELAY_BATCH_RECORDS.\n' +
              'Exit codes: 0 done · 1 failed · 2 usage or configuration · 3 --on-error stop met a bad record · 4 another relay holds this name · 5 gap',
          ),
      // Loaded only when it runs, so that --help needs nothing but yargs.
      async (argv) => {
        isDone = true
        const { run } = await import('./commands/run.ts')
        process.exitCode = await run({ ...argv, ...writtenFlags(args, RUN_OPTIONS) })
      },
    )
    .command(
      'check',
      'See whether a target does what the relay relies on',
      (command) =>
        command
          .usage('$0 check --sink URL [--json]')
          .options(CHECK_OPTIONS)
          .epilogue(
            'Works in a schema of its own, cdc_relay_check_…, and removes it. docs/check.md says what is checked.\n' +
              'Exit codes: 0 all as expected · 1 something differs · 2 usage or configuration',
          ),
      async (argv) => {
        isDone = true
        const { check } = await import('./commands/check.ts')
        process.exitCode = await check({ ...argv, ...writtenFlags(args, CHECK_OPTIONS) })
      },
    )
    .command(
      'help [command]',
      'Show this, or the help of a command',
      (command) => command.positional('command', { type: 'string' }),
      async ({ command }) => {
        isDone = true
        if (command !== undefined && !COMMANDS.includes(command)) return refuse(unknownCommand(command))
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

function unknownCommand(word: string): string {
  const isUrl = /^[a-z][a-z0-9+.-]*:/i.test(word)
  const hint = isUrl ? ' (did you mean cdc-relay run --source STREAM --sink URL?)' : suggestion(word, COMMANDS)
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
