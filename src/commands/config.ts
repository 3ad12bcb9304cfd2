import { RelayError } from '../errors.ts'
import { masker } from '../mask.ts'
import { reporter } from '../observe/reporter.ts'
import { configFileSchema } from './config-file-schema.ts'
import { reportFailure } from './report-failure.ts'
import { readRunConfig } from './run-config.ts'

/** `cdc-relay config`: returns the exit code. Everything it has to say is said. */
export async function config(argv: Readonly<Record<string, unknown>>): Promise<number> {
  const say = await reporter(process.stderr, masker([]))
  try {
    const [, action, file, ...others] = (argv._ as readonly unknown[]).map(String)
    if (action === 'schema' && file === undefined) {
      process.stdout.write(`${JSON.stringify(configFileSchema(), null, 2)}\n`)
      return 0
    }
    if (action !== 'check' || file === undefined || others.length > 0) throw usage()
    await readRunConfig({ ...argv, _: ['run'], config: file }, process.env, (message) =>
      say.log.warn({ code: 'NO_EFFECT' }, message),
    )
    process.stdout.write(`${file}: nothing is wrong with it\n`)
    return 0
  } catch (error) {
    return reportFailure(error, say)
  }
}

const usage = (): RelayError =>
  new RelayError('CONFIGURATION', '`cdc-relay config check FILE`, or `cdc-relay config schema`')
