import { secretsOf } from '../../mask.ts'
import { addressProblem } from '../../server-url.ts'
import { deadLetterFile } from '../dead-letter-file.ts'
import type { SinkEntry } from '../entry.ts'
import { rulesOf } from '../rules-of.ts'
import { withState } from '../with-state.ts'
import { gpssAddress } from './address.ts'

export const GPSS: SinkEntry = {
  usage: 'gpss://USER@GPSSHOST/DATABASE[?greenplum-host=HOST]',
  examples: [["'gpss://app@gpss/warehouse?greenplum-host=coordinator'", 'Greenplum by its Streaming Server']],
  // GPSS has no way to delete a row and leave a tombstone in one step.
  deletes: ['soft'],
  writes: 'tables',
  log: 'without key',
  keepsState: false,
  takesPassword: true,
  isChecked: false,
  variables: ['CDC_RELAY_GPSS_PASSWORD'],
  problem: (url, env) => addressProblem(url, () => gpssAddress(url, env), ['ca', 'cert', 'key', 'password-file']),
  secrets: (url, { PGPASSWORD = '', CDC_RELAY_GPSS_PASSWORD = '' }) => [
    ...secretsOf(url),
    PGPASSWORD,
    CDC_RELAY_GPSS_PASSWORD,
  ],
  async openLetters(place) {
    const { openLetterFile } = await import('../letter-file.ts')
    return await openLetterFile({ path: deadLetterFile(place, place.name), writes: place.writes })
  },
  openPreview:
    'GPSS shows no keys, and runs no statement that it is only asked about; greenplum:// at the same database shows the tables and statements of a mirror by SQL',
  async open(settings, surroundings) {
    const { gpssEmitter } = await import('./emitter.ts')
    const { name, openStore, env } = surroundings
    const emitter = gpssEmitter({
      ...rulesOf(settings, surroundings),
      url: settings.sink,
      passwordFile: settings.sinkPasswordFile,
      env,
      relay: name,
      deadLetters: deadLetterFile(settings, name),
    })
    return withState(emitter, await openStore())
  },
}
