/** Tables as the Python service leaves them in a dataset: in its first form, then in its second. */

export const FIRST = '0f3a6f0e-5d0b-4a53-9a51-6d7bb86bd001'
export const SECOND = '5c1b7a52-2f0e-4c5e-8a0c-6d7bb86bd002'
/** Without `_updated_at`, a schema or a description that a program has written. */
export const UNDESCRIBED = '9d2c8b63-3a1f-4d6f-9b1d-6d7bb86bd003'
export const WITHOUT_IDS = 'aa3d9c74-4b2a-4e70-8c2e-6d7bb86bd004'
export const DOUBLE_IDS = 'bb4ead85-5c3b-4f81-9d3f-6d7bb86bd005'

const schema = {
  fields: [
    { name: 'Species', type: 'string', title: 'Species', constraints: { required: true } },
    { name: 'height', type: 'number' },
    { name: 'rings', type: 'integer' },
    { name: 'planted', type: 'date' },
    { name: 'seen', type: 'datetime' },
    { name: 'at', type: 'time' },
    { name: 'shape', type: 'geojson' },
    { name: 'alive', type: 'boolean' },
    { name: 'year', type: 'year' },
    { name: 'age', type: 'duration' },
  ],
  primaryKey: ['Species'],
  title: 'Trees',
}

const columns = [
  ['_id', 'INT64'],
  ['_updated_at', 'TIMESTAMP'],
  ['Species', 'STRING'],
  ['height', 'FLOAT64'],
  ['rings', 'INT64'],
  ['planted', 'DATE'],
  ['seen', 'TIMESTAMP'],
  ['at', 'TIME'],
  ['shape', 'JSON'],
  ['alive', 'BOOL'],
  ['year', 'INT64'],
  ['age', 'STRING'],
  // Its schema names it no more.
  ['secret', 'STRING'],
]
const definition = `(${columns.map(([name, type]) => `\`${name}\` ${type}`).join(', ')})`

const rows = `SELECT 1, TIMESTAMP '2026-01-02 03:04:05+00', 'oak', 12.5, 9007199254740993, DATE '1950-03-04',
  TIMESTAMP '2026-01-02 03:04:05.678901+00', TIME '10:20:30', JSON '{"coordinates":[1,2]}', TRUE, 1950, 'P75Y', 'mine'
UNION ALL SELECT 4, TIMESTAMP '2026-01-02 03:04:05+00', 'elm', NULL, NULL, NULL, NULL, NULL, NULL, FALSE, NULL, NULL, 'mine'`

/** The rows above as the API shows them. */
export const shown = [
  '{"_id":1,"Species":"oak","height":12.5,"rings":9007199254740993,"planted":"1950-03-04","seen":"2026-01-02T03:04:05.678901+00:00","at":"10:20:30","shape":{"coordinates":[1,2]},"alive":true,"year":1950,"age":"P75Y"}',
  '{"_id":4,"Species":"elm","height":null,"rings":null,"planted":null,"seen":null,"at":null,"shape":null,"alive":false,"year":null,"age":null}',
]

const description = JSON.stringify({ datastore: { schema_version: 1, schema } })
const managed = 'labels = [("datastore_managed", "true")]'

/** Statements of the first form: schemas in a table of their own. */
export const firstForm = [
  'CREATE TABLE IF NOT EXISTS `_table_metadata` (resource_id STRING NOT NULL, schema JSON NOT NULL, created_at TIMESTAMP NOT NULL, updated_at TIMESTAMP NOT NULL)',
  `CREATE TABLE \`${FIRST}\` ${definition}`,
  `INSERT INTO \`${FIRST}\` ${rows}`,
  `INSERT INTO \`_table_metadata\` VALUES ('${FIRST}', PARSE_JSON('${JSON.stringify(schema)}'), CURRENT_TIMESTAMP(), CURRENT_TIMESTAMP())`,
  // Declared, and gone since.
  `INSERT INTO \`_table_metadata\` VALUES ('gone', PARSE_JSON('{"fields":[]}'), CURRENT_TIMESTAMP(), CURRENT_TIMESTAMP())`,
]

/** Statements of the second form: schemas in the descriptions of labelled tables. */
export const secondForm = [
  `CREATE TABLE \`${SECOND}\` ${definition} OPTIONS (description = '${description}', ${managed})`,
  `INSERT INTO \`${SECOND}\` ${rows}`,
  `CREATE TABLE \`${UNDESCRIBED}\` (_id INT64, name STRING, price NUMERIC, tags ARRAY<STRING>) OPTIONS (description = 'our trees', ${managed})`,
  `INSERT INTO \`${UNDESCRIBED}\` VALUES (1, 'oak', NUMERIC '1.5', ['a'])`,
]

export const unusable = [
  `CREATE TABLE \`${WITHOUT_IDS}\` (_id INT64, name STRING) OPTIONS (${managed})`,
  `INSERT INTO \`${WITHOUT_IDS}\` VALUES (1, 'oak'), (NULL, 'elm'), (NULL, 'ash')`,
  `CREATE TABLE \`${DOUBLE_IDS}\` (_id INT64, name STRING) OPTIONS (${managed})`,
  `INSERT INTO \`${DOUBLE_IDS}\` VALUES (1, 'oak'), (2, 'elm'), (2, 'ash')`,
]
