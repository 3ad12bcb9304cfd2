/** Of a text in a column with an index or a column store. https://cratedb.com/docs/crate/reference/en/latest/general/ddl/storage.html */
const MAX_BYTES = 32_766

/** Whether CrateDB takes a text where it indexes it. A UTF-16 unit has at most three bytes, so most are not counted. */
export const fitsIndex = (text: string): boolean => text.length * 3 <= MAX_BYTES || Buffer.byteLength(text) <= MAX_BYTES
