import type { Kysely, RawBuilder } from 'kysely'

/** No table is known to the types: names come from data, so statements are `sql` templates. */
export type Database = Kysely<unknown>

/** A statement without parameters. */
export type Statement = RawBuilder<unknown>
