import { pathToFileURL } from 'node:url'
import { grouped } from './groups.ts'

/** Defines the tests of all files of a group, one file after the other. */
export async function importTests(group: string): Promise<void> {
  for (const file of grouped().groups.get(group)!) await import(pathToFileURL(file).href)
}
