import { TREES, WEATHER } from './legitimate.ts'

/** The tables of `legitimate.ts` as the engine keeps them: lists as texts, `jsonb` as JSON, `timestamp` as DATETIME. */
export const setupGoogle: readonly string[] = [
  `CREATE TABLE \`${TREES}\` (_id INT64, species STRING, height NUMERIC(18, 2), planted DATE, seen DATETIME,
    checked TIMESTAMP, alive BOOL, \`Street Name\` STRING, owner JSON, tags STRING, \`user\` STRING)`,
  `INSERT INTO \`${TREES}\` VALUES
    (1, 'Oak', 12.50, '1987-04-01', '2024-05-01 10:30:00', '2024-05-01 10:30:00+00', true, 'Elm Street', JSON '{"name": "City", "since": 1990, "parks": ["A", "B"]}', '["tall", "old"]', 'ann'),
    (2, 'Oak', 9.10, '1999-11-12', '2024-05-02 11:00:00', '2024-05-02 11:00:00+00', true, 'Main Street', JSON '{"name": "County", "since": 2001, "parks": []}', '["old"]', 'bob'),
    (3, 'Maple', 7.25, '2005-03-30', '2024-06-01 09:15:00', NULL, false, 'O\\'Connell Street', NULL, '[]', 'ann'),
    (4, 'Linden', NULL, NULL, NULL, NULL, NULL, 'Main Street', JSON '{"name": "City"}', NULL, NULL)`,
  `CREATE TABLE \`${WEATHER}\` (_id INT64, day DATE, city STRING, rain FLOAT64, temp_max FLOAT64, kind STRING)`,
  `INSERT INTO \`${WEATHER}\` VALUES
    (1, '2024-01-01', 'Seattle', 0.0, 12.8, 'drizzle'), (2, '2024-01-02', 'Seattle', 10.9, 10.6, 'rain'),
    (3, '2024-01-03', 'Seattle', 0.8, 11.7, 'rain'), (4, '2024-02-01', 'Tacoma', 20.3, 12.2, 'rain'),
    (5, '2024-02-02', 'Tacoma', 1.3, 8.9, 'snow'), (6, '2024-03-05', 'Tacoma', 0.0, 15.0, 'sun')`,
]

/** What of `legitimate` BigQuery does not run, by a part of the statement; all of it is refused, and says why. */
export const differences: readonly (readonly [RegExp, string])[] = [
  [/DISTINCT ON/, 'BigQuery has no DISTINCT ON'],
  [/ESCAPE/, 'BigQuery has no ESCAPE'],
  [/WITHIN GROUP/, 'BigQuery has no WITHIN GROUP'],
  [/median\(/, 'BigQuery has no MEDIAN and no MODE'],
  [/age\(seen\)/, 'BigQuery has no AGE'],
  [/AT TIME ZONE/, 'BigQuery has no AT TIME ZONE for values'],
  [/strftime/, 'BigQuery formats dates, times and timestamps by different functions'],
  [/strip_accents/, 'BigQuery has no STRIP_ACCENTS and no JACCARD'],
  [/list_contains/, 'BigQuery has no LIST_… functions'],
  [/json_group_array/, 'BigQuery has no JSON_GROUP_… functions'],
  [/LATERAL/, 'BigQuery has no LATERAL'],
  [/NATURAL/, 'BigQuery has no NATURAL JOIN'],
  [/>= ALL/, 'BigQuery compares with lists by IN alone'],
  [/VALUES/, 'BigQuery has no VALUES in queries'],
  [/generate_series\(TIMESTAMP/, 'series of timestamps can be of any size'],
  [/format\('\{\}/, "BigQuery's FORMAT takes % where DuckDB's takes {}"],
  [/tags\[1\]|unnest\(t?\.?tags\)|contains\(array/, 'lists are kept as JSON texts'],
]
