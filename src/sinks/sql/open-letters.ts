import type { LetterPlace } from '../entry.ts'
import type { LetterStore } from '../letter-store.ts'

/** Opens what a SQL database keeps of a relay's dead letters. */
export async function openSqlLetters({ sink, sinkPasswordFile, name, env }: LetterPlace): Promise<LetterStore> {
  const [{ connect }, { sqlLetterStore }, { askerOf }] = await Promise.all([
    import('./connect.ts'),
    import('./letter-store.ts'),
    import('./advice.ts'),
  ])
  return sqlLetterStore(await connect(sink, sinkPasswordFile, env), name, askerOf(sink, env))
}
