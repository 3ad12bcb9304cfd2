/** What no log, message, summary or reason of a dead letter may hold. */
export const SECRET = 'sEcr3t-v4lue'

/** A table of a database that refuses a row with the secret in it, and how it says so. */
export interface Refusing {
  readonly name: string
  /** Its columns beside `id int PRIMARY KEY` and `q`. */
  readonly q: string
  /** What else is made for it. */
  readonly also?: readonly string[]
  readonly value?: string
}

const trigger = (name: string, body: string, isAtCommit = false): readonly string[] => [
  `CREATE FUNCTION shop.f_${name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN ${body} RETURN NEW; END $$`,
  isAtCommit
    ? `CREATE CONSTRAINT TRIGGER t AFTER INSERT OR UPDATE ON shop.${name} DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE PROCEDURE shop.f_${name}()`
    : `CREATE TRIGGER t BEFORE INSERT OR UPDATE ON shop.${name} FOR EACH ROW EXECUTE PROCEDURE shop.f_${name}()`,
]

/** Refuses by a trigger, with this SQLSTATE. */
export const raise = (name: string, code: string): Refusing => ({
  name,
  q: 'text',
  also: trigger(
    name,
    `IF NEW.q <> 'good' THEN RAISE EXCEPTION 'not %', NEW.q USING ERRCODE = '${code}', DETAIL = NEW.q, HINT = NEW.q; END IF;`,
  ),
})

/** Each refuses in words, or with a detail, that hold the value. */
export const REFUSING: readonly Refusing[] = [
  { name: 'tsquery_of', q: 'tsquery', value: `${SECRET} & &` },
  { name: 'checked', q: "text CHECK (q = 'good')" },
  {
    name: 'named_by',
    q: 'text',
    also: trigger('named_by', `IF NEW.q <> 'good' THEN EXECUTE format('SELECT 1 FROM %I', NEW.q); END IF;`),
  },
  { name: 'cast_by', q: 'text', also: trigger('cast_by', `IF NEW.q <> 'good' THEN PERFORM NEW.q::int; END IF;`) },
  {
    name: 'at_commit',
    q: 'text',
    also: trigger('at_commit', `IF NEW.q <> 'good' THEN RAISE EXCEPTION 'not %', NEW.q; END IF;`, true),
  },
  ...['P0001', 'P0002', '42501', '42P01', '28000', '22000', 'XX000', 'ZZ123'].map((code) =>
    raise(`raise_${code.toLowerCase()}`, code),
  ),
]

export const ddlOf = ({ name, q, also = [] }: Refusing): readonly string[] => [
  `CREATE TABLE shop.${name} (id int PRIMARY KEY, q ${q})`,
  ...also,
]

/** A stream of DMS with a bad row of the table between good ones. */
export function recordsOf({ name, value = SECRET }: Pick<Refusing, 'name' | 'value'>): string[] {
  const metadata = (type: string, operation: string, second: number) => ({
    timestamp: `2026-01-01T00:00:${String(second).padStart(2, '0')}.000000Z`,
    'record-type': type,
    operation,
    'partition-key-type': 'schema-table',
    'schema-name': 'shop',
    'table-name': name,
  })
  const columns = { id: { type: 'INT32', nullable: false }, q: { type: 'STRING', nullable: true } }
  const row = (id: number, q: string, second: number) => ({
    data: { id, q },
    metadata: metadata('data', 'insert', second),
  })
  return [
    { control: { 'table-def': { columns, 'primary-key': ['id'] } }, metadata: metadata('control', 'create-table', 1) },
    row(1, 'good', 2),
    row(2, value, 3),
    row(3, 'good', 4),
  ].map((record) => JSON.stringify(record))
}
