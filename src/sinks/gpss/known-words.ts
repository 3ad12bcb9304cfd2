/** A name as Greenplum shows it. */
const NAME = '(?:"(?:[^"]|"")*"|[\\w.$-]+)'
const TYPE = '[a-z]+(?: [a-z]+)*(?:\\(\\d+(?:,\\d+)?\\))?(?:\\[\\])?'

/**
 * What Greenplum and GPSS are known to say, each without the values that may follow. A message is shown as far as it is one of these,
 * for a trigger may raise what its author likes, with a value anywhere in it.
 */
const KNOWN: readonly RegExp[] = [
  `password authentication failed for user ${NAME}`,
  'empty password returned by client',
  `no pg_hba\\.conf entry for host ${NAME}, user ${NAME}, database ${NAME}(?:, SSL (?:on|off))?`,
  `role ${NAME} is not permitted to log in`,
  `permission denied for [a-z]+ ${NAME}`,
  `must be owner of [a-z]+ ${NAME}`,
  'must be superuser[a-z ]*',
  `column ${NAME} of relation ${NAME} does not exist`,
  `(?:role|database|user|relation|column|table|schema|type|function|language|index) ${NAME} does not exist`,
  `column ${NAME} is of type ${TYPE} but expression is of type [\\w ]+`,
  `column ${NAME} specified more than once`,
  'there is no unique or exclusion constraint matching the ON CONFLICT specification',
  'terminating connection due to [a-z ]+',
  'the database system is [a-z ]+',
  'gang was lost[a-z ]*',
  'failed to acquire resources on one or more segments',
  'deadlock detected',
  'could not obtain lock on [a-z ]+',
  'could not serialize access due to [a-z /]+',
  'canceling (?:statement|query) due to [a-z ]+',
  'sorry, too many clients already',
  'remaining connection slots are reserved[a-z -]*',
  'out of memory',
  'no space left on device',
  `resource (?:queue|group) ${NAME}`,
  'segment reject limit reached, aborting operation',
  `null value in column ${NAME}(?: of relation ${NAME})? violates not-null constraint`,
  `duplicate key value violates unique constraint ${NAME}`,
  `new row for relation ${NAME} violates (?:check|partition) constraint(?: ${NAME})?`,
  `insert or update on table ${NAME} violates foreign key constraint ${NAME}`,
  `invalid input (?:syntax|value) for (?:type |enum )?${TYPE}`,
  `invalid byte sequence for encoding ${NAME}`,
  `value too long for type ${TYPE}`,
  `out of range for type ${TYPE}`,
  'date/time field value out of range',
  'numeric field overflow',
  'unsupported Unicode escape sequence',
  `malformed [a-z]+ literal`,
  `missing data for column ${NAME}`,
  'extra data after last expected column',
  'invalid XML (?:content|document)',
  'syntax error in ts(?:vector|query)',
  'is not a valid (?:binary|hexadecimal) digit',
  'bit string (?:length \\d+ does not match type bit\\(\\d+\\)|too long for type bit varying\\(\\d+\\))',
  `index row (?:size \\d+ exceeds|requires \\d+ bytes, )[\\w ]*\\d+(?: for index ${NAME})?`,
  'row is too big: size \\d+, maximum size \\d+',
  // Of the network, in the words of Go.
  'dial tcp[\\w .:\\[\\]/-]*',
  'lookup [\\w.-]+: no such host',
  'driver: bad connection',
  'connection (?:refused|reset)[a-z ]*',
  'broken pipe',
  'unexpected EOF',
  'i/o timeout',
  // Of GPSS.
  'session not found',
  'Load task is already opened',
  'Need to open a load task before write',
].map((shape) => new RegExp(shape, 'i'))

/** Of what was said, the part that is known to quote no value; null if none is. */
export function knownWords(said: string): string | null {
  for (const shape of KNOWN) {
    const known = shape.exec(said)
    if (known === null) continue
    const quotes = said.startsWith(': "', known.index + known[0].length) ? ': "…"' : ''
    return `${said.startsWith('pq: ') ? 'pq: ' : ''}${known[0]}${quotes}`
  }
  return null
}
