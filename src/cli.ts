import { pathToFileURL } from 'node:url'
import yargs from 'yargs'
import { CHECK_OPTIONS } from './commands/check-options.ts'
import { RUN_OPTIONS } from './commands/run-options.ts'
import { masker, maskWord } from './observe/mask.ts'
import { ownVersion } from './version.ts'

/** Runs the program and leaves with its exit code. */
export async function main(args: readonly string[]): Promise<void> {
  await yargs(args)
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
            'Every option may also stand in a YAML file (--config) or in a variable: --batch-records is CDC_RELAY_BATCH_RECORDS.\n' +
              'Exit codes: 0 done · 1 failed · 2 usage or configuration · 3 --on-error stop met a bad record · 4 another relay holds this name · 5 gap',
          ),
      // Loaded only when it runs, so that --help needs nothing but yargs.
      async (argv) => {
        const { run } = await import('./commands/run.ts')
        process.exitCode = await run(argv)
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
        const { check } = await import('./commands/check.ts')
        process.exitCode = await check(argv)
      },
    )
    .demandCommand(1, 'Which command? `cdc-relay run` reads a stream; `cdc-relay --help` lists all.')
    .strictCommands()
    .version(ownVersion())
    .help()
    .wrap(Math.min(120, process.stdout.columns ?? 100))
    .fail((message, error) => {
      if (error) throw error
      const words = message.split(' ').map(maskWord).join(' ')
      console.error(masker([])(words))
      process.exitCode = 2
    })
    .parseAsync()
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  await main(process.argv.slice(2))
}
