/** Makes the man page that is published, man/cdc-relay.1: `node packaging/man.ts`. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { COMMANDS } from '../src/commands/commands.ts'
import { ownVersion } from '../src/version.ts'
import { manPage } from './man-page.ts'

const folder = join(import.meta.dirname, '../man')
await mkdir(folder, { recursive: true })
await writeFile(join(folder, 'cdc-relay.1'), manPage(COMMANDS, ownVersion()))
