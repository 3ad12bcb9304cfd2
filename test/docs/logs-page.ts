/** Makes docs/logs.md of the table in src/observe/log-codes.ts: `npm run docs:logs`. */
import { writeFileSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import { LOG_CODES } from '../../src/observe/log-codes.ts'

const PAGE = new URL('../../docs/logs.md', import.meta.url)

export function logsPage(): string {
  const codes = Object.entries(LOG_CODES).map(([code, means]) => `| \`${code}\` | ${means} |`)
  return `${[
    '# The log',
    '',
    'Its codes are made from `src/observe/log-codes.ts` by `npm run docs:logs`.',
    '',
    'A run writes its log to standard error, a line for each thing, with the time, the level as a word, a `code` that stays, what it is about',
    '(table, shard, sequence number, counts; times in milliseconds end in `Ms`) and a message for people, `msg`. No name is there twice. No',
    'value of a row and no password is ever in it; `--log-values` adds the words of the target, which may quote rows.',
    '',
    '| `--log-format` | |',
    '| --- | --- |',
    '| `json` | a JSON object in each line. The default where standard error is no terminal |',
    '| `logfmt` | `time=… level=… code=… … msg="…"` |',
    '| `pretty` | for people. The default on a terminal, where a live line below it shows what is tried again, parked tables, rate, lag and counts, as far as they fit |',
    '',
    '`--log-level error|warn|info|debug` leaves out what is less important (default `info`); `debug` has a line for each batch.',
    '',
    '```sh',
    `cdc-relay run … 2> relay.log; jq -c 'select(.level == "error" or .code == "RECOVERED")' relay.log`,
    'journalctl -u cdc-relay -o cat | jq -c \'select(.code == "PROGRESS") | {time, applied, lagMs}\'',
    '```',
    '',
    'A line about a failure, or about a dead letter, has the code of that: [errors](errors.md). `RECOVERED` says with `of` which failure is over. All others:',
    '',
    '| code | |',
    '| --- | --- |',
    ...codes,
  ].join('\n')}\n`
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  writeFileSync(PAGE, logsPage())
}
