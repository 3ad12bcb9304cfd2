import { checkServer } from '../check/check-server.ts'
import { type Report, reportAsJson, reportAsLines, reportAsTable } from '../check/report.ts'
import type { Env } from '../env.ts'
import { RelayError } from '../errors.ts'
import { maskedWord, masker, maskTexts, secretsOf } from '../mask.ts'
import { suggestion } from '../nearest.ts'
import { reporter } from '../observe/reporter.ts'
import { warningsIntoLog } from '../observe/warnings.ts'
import { sinkEntry, sinkProblem } from '../sinks/by-url.ts'
import { readPassword } from '../sinks/sql/login.ts'
import { CHECK_OPTIONS, CHECKED } from './check-options.ts'
import { NO_OPTIONS, strayWord } from './given-options.ts'
import { passwordFileProblem } from './password-file.ts'
import { reportFailure } from './report-failure.ts'
import { exitCodeOf, stopOnSignals } from './stop-on-signals.ts'

/** `cdc-relay check`: returns the exit code. Everything it has to say is said. */
export async function check(argv: Readonly<Record<string, unknown>>): Promise<number> {
  let say = await reporter(process.stderr, masker([]))
  const stopping = new AbortController()
  // The first signal stops the checks and has everything removed.
  const release = stopOnSignals((signal) => stopping.abort(signal))
  let releaseWarnings = (): void => {}
  try {
    const { sink, passwordFile, json } = readOptions(argv, process.env)
    const password = passwordFile === null ? (process.env.PGPASSWORD ?? '') : await readPassword(passwordFile)
    const mask = masker([...secretsOf(sink), password])
    say = await reporter(process.stderr, mask)
    releaseWarnings = warningsIntoLog(say.log)
    const report = await checkServer(sink, { passwordFile, env: process.env }, say.log, stopping.signal)
    process.stdout.write(reportText(maskTexts(report, mask), json))
    return report.leftBehind !== null || report.findings.some(({ verdict }) => verdict === 'differs') ? 1 : 0
  } catch (error) {
    if (!stopping.signal.aborted || error !== stopping.signal.reason) return reportFailure(error, say)
    say.log.warn({ code: 'STOPPED' }, 'Stopped before all was checked; what was made is removed')
    return exitCodeOf(stopping.signal.reason)
  } finally {
    releaseWarnings()
    release()
  }
}

function reportText(report: Report, json: boolean): string {
  if (json) return reportAsJson(report)
  return process.stdout.isTTY ? reportAsTable(report, process.stdout.columns) : reportAsLines(report)
}

/** @throws RelayError CONFIGURATION with every problem */
function readOptions(
  argv: Readonly<Record<string, unknown>>,
  env: Env,
): { sink: string; passwordFile: string | null; json: boolean } {
  const names = Object.keys(CHECK_OPTIONS)
  const words = (argv._ as readonly unknown[]).slice(1).map((word) => strayWord(String(word), names))
  const unknown = Object.keys(argv).filter((name) => !NO_OPTIONS.has(name) && !names.includes(name))
  const sink = argv.sink ?? env.CDC_RELAY_SINK
  const passwordFile = argv['sink-password-file'] ?? env.CDC_RELAY_SINK_PASSWORD_FILE
  const problems = [
    ...unknown.map(
      (name) => `--${maskedWord(name)} is not an option of check${suggestion(name, names, (near) => `--${near}`)}`,
    ),
    ...words,
  ]
  if (sink === undefined) problems.push('--sink is missing: a URL such as crate://USER@HOST:5432/SCHEMA')
  else if (typeof sink !== 'string') problems.push('--sink is given more than once')
  else if (sinkEntry(sink)?.isChecked !== true) {
    problems.push(`--sink is nothing that can be checked: ${CHECKED}`)
  } else {
    const problem = sinkProblem(sink, env)
    if (problem !== null) problems.push(`--sink ${problem}`)
  }
  if (Array.isArray(passwordFile)) problems.push('--sink-password-file is given twice')
  else if (typeof passwordFile === 'string') {
    const problem = passwordFileProblem(passwordFile, sink)
    if (problem !== null) problems.push(`--sink-password-file ${problem}`)
  }
  if (Array.isArray(argv.json)) problems.push('--json is given twice')
  else if (typeof argv.json === 'string') problems.push('--json must be true or false')
  if (problems.length > 0) throw new RelayError('CONFIGURATION', problems.join('; '))
  return { sink: sink as string, passwordFile: (passwordFile as string | undefined) ?? null, json: argv.json === true }
}
