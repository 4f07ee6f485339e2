import type { Argument, Limit } from '../../sql/argument-limits.ts'
import { format, needle, padding, regexp, search, short, small } from '../../sql/argument-limits.ts'
import { type FunctionList, readFunctionList } from '../../sql/function-list.ts'

/**
 * The default list: functions of GoogleSQL that compute from their arguments alone, or tell the time. Left out are those
 * that tell who asks, reach services, models, keys, other tables or the network, run text as SQL, fail on purpose, or
 * make values of any size.
 */
export const functionGroups: Readonly<Record<string, string>> = {
  math: `abs acos acosh asin asinh atan atan2 atanh cbrt ceil ceiling cos cosh cot coth csc csch div exp floor greatest
    ieee_divide is_inf is_nan least ln log log10 mod pow power rand range_bucket round safe_add safe_divide
    safe_multiply safe_negate safe_subtract sec sech sign sin sinh sqrt tan tanh trunc bit_count`,
  text: `ascii byte_length char_length character_length chr code_points_to_string collate concat contains_substr
    edit_distance ends_with format from_base32 from_base64 from_hex initcap instr left length lower lpad ltrim normalize
    normalize_and_casefold octet_length regexp_contains regexp_extract regexp_extract_all regexp_instr regexp_replace
    regexp_substr repeat replace reverse right rpad rtrim soundex split starts_with strpos substr substring to_base32
    to_base64 to_code_points to_hex translate trim unicode upper md5 sha1 sha256 sha512 farm_fingerprint`,
  date: `current_date current_datetime current_time current_timestamp date date_add date_diff date_from_unix_date
    date_sub date_trunc datetime datetime_add datetime_diff datetime_sub datetime_trunc extract format_date
    format_datetime format_time format_timestamp generate_date_array justify_days justify_hours justify_interval
    last_day make_interval parse_date parse_datetime parse_time parse_timestamp string time time_add time_diff time_sub
    time_trunc timestamp timestamp_add timestamp_diff timestamp_micros timestamp_millis timestamp_seconds timestamp_sub
    timestamp_trunc unix_date unix_micros unix_millis unix_seconds date_bucket datetime_bucket timestamp_bucket`,
  json: `bool float64 int64 json_array json_array_append json_array_insert json_extract json_extract_array
    json_extract_scalar json_extract_string_array json_keys json_object json_query json_query_array json_remove json_set
    json_strip_nulls json_type json_value json_value_array lax_bool lax_float64 lax_int64 lax_string parse_json to_json
    to_json_string`,
  array: `array array_concat array_first array_includes array_last array_length array_reverse array_slice
    array_to_string generate_array unnest offset ordinal safe_offset safe_ordinal struct`,
  conditional: 'coalesce if ifnull nullif nullifzero zeroifnull parse_numeric parse_bignumeric',
  aggregate: `any_value approx_count_distinct approx_quantiles approx_top_count approx_top_sum array_agg
    array_concat_agg avg bit_and bit_or bit_xor corr count count_if countif covar_pop covar_samp grouping logical_and
    logical_or max max_by min min_by stddev stddev_pop stddev_samp string_agg sum var_pop var_samp variance`,
  window: `cume_dist dense_rank first_value lag last_value lead nth_value ntile percent_rank percentile_cont
    percentile_disc rank row_number`,
}

/** Functions that `SQL_FUNCTIONS_ALLOW_FILE` may add. No list opens routines, remote functions, models or table functions. */
const others = `error generate_timestamp_array generate_uuid session_user array_transform array_filter array_includes_any
  array_includes_all hll_count.extract hll_count.init hll_count.merge hll_count.merge_partial net.host net.ip_from_string
  net.ip_net_mask net.ip_to_string net.ip_trunc net.ipv4_from_int64 net.ipv4_to_int64 net.public_suffix net.reg_domain
  net.safe_ip_from_string st_area st_asbinary st_asgeojson st_astext st_centroid st_contains st_distance st_dwithin
  st_geogfromgeojson st_geogfromtext st_geogpoint st_intersects st_length st_within st_x st_y search`

const names = (text: string): ReadonlySet<string> => new Set(text.trim().split(/\s+/))

export const defaultFunctions: FunctionList = {
  names: names(Object.values(functionGroups).join(' ')),
  exact: new Set(),
}

/**
 * The functions that SQL may call: the default list, or the one in `text`.
 *
 * @throws {ConfigurationError} one line for each name that can't be allowed here
 */
export function functionList(text?: string): FunctionList {
  if (text === undefined) return defaultFunctions
  return readFunctionList(text, new Set([...defaultFunctions.names, ...names(others)]))
}

/** Plain syntax that looks like a call: allowed under every list (contract §10.2 row 39). */
export const syntax = names(
  `array cast coalesce cube exists extract if nullif offset ordinal rollup safe_cast safe_offset safe_ordinal struct unnest`,
)

/** Aggregates whose result grows with the frame: over a window their cost is quadratic. */
export const notOverWindows = names('array_agg array_concat_agg string_agg approx_top_count approx_top_sum')

const replacement: Limit = {
  allows: (text, pattern, to) => regexp.allows(text, pattern) && short(to, 100),
  rule: `${regexp.rule}, and a constant replacement of up to 100 characters`,
}
const separator: Limit = {
  allows: (_list, text) => short(text, 100),
  rule: 'a constant separator of up to 100 characters',
}
const patterns = ['regexp_contains', 'regexp_extract', 'regexp_extract_all', 'regexp_instr', 'regexp_substr']

/** What a function may be called with, where that decides what one call costs. */
export const argumentLimits: Readonly<Record<string, Limit>> = {
  repeat: {
    allows: (text, times) => small(times, 1000) && short(text, 10),
    rule: 'a constant text of up to 10 characters and a constant number up to 1000',
  },
  lpad: padding,
  rpad: padding,
  format,
  generate_array: {
    allows: (...args) => args.every((arg) => small(arg, 1000) && Number.isInteger(arg?.constant)),
    rule: 'constant whole numbers up to 1000',
  },
  cube: { allows: (...args) => args.length <= 6, rule: 'up to 6 columns' },
  rollup: { allows: (...args) => args.length <= 60, rule: 'up to 60 columns' },
  replace: {
    allows: (_text, from, to) => needle(from) && short(to, 100),
    rule: `${search.rule}, and a constant replacement of up to 100 characters`,
  },
  regexp_replace: replacement,
  array_to_string: separator,
  strpos: search,
  instr: search,
  contains_substr: search,
  split: { allows: (...args) => args.length < 2 || needle(args[1]), rule: search.rule },
  edit_distance: {
    allows: (one, other) => needle(one) && needle(other),
    rule: 'two texts of which both are constant, or left(…, 500)',
  },
  ...Object.fromEntries(patterns.map((name) => [name, regexp])),
}

const lengthOf = (value: Argument): number => (typeof value?.constant === 'string' ? value.constant.length : 0)

/** How many times longer all calls of one statement together may make a text. */
export const MAX_GROWTH = 100

/** How many times longer than its argument a call's result can be: calls inside each other multiply. */
export const growth: Readonly<Record<string, (...args: readonly Argument[]) => number>> = {
  replace: (_text, from, to) => Math.ceil(lengthOf(to) / Math.max(1, lengthOf(from))),
  regexp_replace: (_text, _pattern, to) => Math.ceil(lengthOf(to) / 2),
  array_to_string: (_list, text) => Math.ceil(lengthOf(text) / 2),
  format: (text) => (String(text?.constant).match(/[%{]/g) ?? []).length,
  to_hex: () => 2,
  to_base32: () => 2,
  to_base64: () => 2,
  normalize: () => 2,
  normalize_and_casefold: () => 2,
  to_json_string: () => 2,
}

/** What to call in the place of functions that other databases have. */
export const instead: Readonly<Record<string, string>> = {
  age: 'DATE_DIFF(a, b, DAY)',
  date_diff: 'DATE_DIFF(a, b, DAY)',
  list_contains: 'value IN UNNEST(JSON_VALUE_ARRAY(list))',
  median: 'PERCENTILE_CONT(value, 0.5) OVER ()',
  mode: 'APPROX_TOP_COUNT(value, 1)',
  quantile_cont: 'PERCENTILE_CONT(value, 0.5) OVER ()',
  strftime: "FORMAT_DATE('%Y-%m', value)",
  to_char: "FORMAT_DATE('%Y-%m', value)",
  to_date: "PARSE_DATE('%Y-%m-%d', text)",
}
