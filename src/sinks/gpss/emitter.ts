import type { Env } from '../../env.ts'
import { countLetterFile } from '../count-letter-file.ts'
import type { Emitter } from '../emitter.ts'
import { fileOutput, linesOf, standardOutput } from '../line-output.ts'
import { DEFAULT_RULES, type TargetRules, takesJson } from '../tables/rules.ts'
import { gpssAddress } from './address.ts'
import { appendTarget } from './append-target.ts'
import { DDL_TABLE, ddlTableMissing, gpssCatalogue } from './catalogue.ts'
import { openGpss } from './connection.ts'
import { Delivery, Destination } from './delivery.ts'
import { mirrorTarget } from './mirror-target.ts'
import type { GpssTables } from './target.ts'

export interface GpssOptions extends Partial<TargetRules> {
  /** `gpss://…`; docs/gpss.md lists its parameters. */
  readonly url: string
  /** A file with the password, instead of the URL's. */
  readonly passwordFile?: string | undefined
  /** The password where neither has one: `CDC_RELAY_GPSS_PASSWORD`, else `PGPASSWORD`. */
  readonly env?: Env | undefined
  /** The relay's name. */
  readonly relay: string
  /** Where dead letters go: a path, or `-` for standard error, which is the default. */
  readonly deadLetters?: string
}

/**
 * Writes to Greenplum through GPSS, in parallel into its segments. Each table of a batch is one load, one transaction; the
 * positions follow when all are durable, so a crash repeats the batch: into a mirror with no effect, into a log as whole
 * batches, whose rows have the positions of their records.
 *
 * @throws RelayError CONFIGURATION for a URL that cannot be read
 */
export function gpssEmitter(given: GpssOptions): Emitter {
  const options = { ...DEFAULT_RULES, ...given }
  const { mode, deadLetters = '-', log, passwordFile } = options
  const inUrl = gpssAddress(options.url, options.env ?? {})
  const address = passwordFile === undefined ? inUrl : { ...inUrl, password: { file: passwordFile } }
  const gpss = openGpss(address)
  const catalogue = gpssCatalogue(gpss)
  const tables: GpssTables = { relay: options.relay, catalogue, gpss, defaultSchema: address.schema, rules: options }
  const destination = new Destination(gpss, mode === 'append' ? appendTarget(tables) : mirrorTarget(tables))
  const letters = deadLetters === '-' ? standardOutput(process.stderr) : fileOutput(deadLetters, log)

  return {
    needs: {
      before: mode === 'append',
      cleanText: true,
      ...(mode === 'mirror' && { keys: async () => null, json: (format) => takesJson(options, format, true) }),
    },

    async open() {
      // Also tells at once whether the login is right.
      const table = await gpss.describe(DDL_TABLE)
      if (table === null && mode === 'mirror') throw ddlTableMissing()
    },

    prepare(batch) {
      const delivery = new Delivery(options, destination, batch)
      let hasLetters = false
      return async () => {
        const refused = await delivery.load()
        const lines = linesOf([...batch.deadLetters, ...refused])
        if (lines !== '' && !hasLetters && batch.letters === undefined) {
          await letters.open(new AbortController().signal)
          await letters.write(lines)
        }
        hasLetters = true
        return delivery.written()
      }
    },

    ...(deadLetters !== '-' && { countLetters: () => countLetterFile(deadLetters) }),

    close: () => gpss.close().finally(() => letters.close()),
  }
}
