import { sql } from 'kysely'
import type { OwnColumn } from '../../../tables/own-columns.ts'

const IGNORED = sql`OBJECT(IGNORED)`

/** The whole row, in the layout `document`. A deleted row stays, without it. */
export const DATA: OwnColumn = { name: 'data', definition: IGNORED, types: ['object'], mayBeNotNull: false }
/** With `objects=dynamic` in the URL: its members become columns. */
export const DYNAMIC_DATA: OwnColumn = { ...DATA, definition: sql`OBJECT(DYNAMIC)` }
/** Beside it: the attributes that its columns would not keep as they are. */
export const AUX: OwnColumn = { name: 'aux', definition: IGNORED, types: ['object'], mayBeNotNull: false }
export const VERSION: OwnColumn = { name: 'cdc_version', definition: sql`BIGINT`, types: ['int8'], mayBeNotNull: true }
export const DELETED: OwnColumn = { name: 'cdc_deleted', definition: sql`BOOLEAN`, types: ['bool'], mayBeNotNull: true }
/** By name the values that their columns cannot hold, in the layout `columns`. */
export const EXTRA: OwnColumn = { name: 'cdc_extra', definition: IGNORED, types: ['object'], mayBeNotNull: false }
