import { connect } from '../../../../src/sinks/sql/connect.ts'
import { sqlStateStore } from '../../../../src/sinks/sql/state-store.ts'
import { describeStateStore } from '../../../state/conformance.ts'
import { greenplumDatabase, withoutGreenplum } from '../../../support/greenplum/greenplum.ts'
import { backup } from '../../../support/targets/sql-target.ts'

/** To Cloudberry goes what goes to 7. */
for (const kind of ['6', '7'] as const) {
  if (withoutGreenplum(kind) !== false) continue
  describeStateStore(`greenplum ${kind}`, async () => {
    const database = await greenplumDatabase(undefined, kind)
    return {
      store: async () => sqlStateStore(await connect(database.url)),
      backup: () => backup((text) => database.query(text)),
      size: async () => (await database.query('SELECT 1 FROM cdc_relay.positions')).length,
      close: database.drop,
    }
  })
}
