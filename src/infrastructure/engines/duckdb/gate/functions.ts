import type { FunctionList } from '../../sql/function-list.ts'

/**
 * The default list, reviewed against `duckdb_functions()` of DuckDB 1.5: nothing in it reads files, the network, the
 * catalog, settings, variables or the environment, nothing writes, waits, or takes the name of a table or function
 * in a string. Left out for their cost in one uninterruptible call: the edit distances (quadratic), `list_resize`,
 * `bitstring`, `bitstring_agg`, `reservoir_quantile` (any amount of memory) and functions with lambdas (quadratic when nested).
 */
export const functionGroups: Readonly<Record<string, string>> = {
  math: `abs acos acosh add asin asinh atan atan2 atanh bit_count cbrt ceil ceiling cos cosh cot degrees divide even
    exp factorial fdiv floor fmod gamma gcd greatest_common_divisor isfinite isinf isnan lcm least_common_multiple
    lgamma ln log log10 log2 mod multiply nextafter pi pow power radians random round round_even roundbankers sign
    signbit sin sinh sqrt subtract tan tanh trunc xor`,
  text: `array_to_string ascii bar base64 bit_length bin char_length character_length chr concat concat_ws contains
    decode encode ends_with format format_bytes from_base64 from_binary from_hex hamming hash hex ilike_escape instr
    jaccard lcase left left_grapheme len length length_grapheme like_escape lower lpad ltrim md5 md5_number
    md5_number_lower md5_number_upper mismatches nfc_normalize not_ilike_escape not_like_escape octet_length ord
    position prefix printf regexp_escape regexp_extract regexp_extract_all regexp_full_match regexp_matches
    regexp_replace regexp_split_to_array regexp_split_to_table repeat replace reverse right right_grapheme rpad rtrim
    sha1 sha256 split split_part starts_with str_split str_split_regex string_split string_split_regex
    string_to_array strip_accents strlen strpos substr substring substring_grapheme suffix to_base64 to_binary to_hex
    translate trim ucase unbin unhex unicode upper url_decode url_encode`,
  date: `age ago century current_date current_time current_timestamp date_add date_diff date_part date_sub date_trunc
    datediff datepart datesub datetrunc day dayname dayofmonth dayofweek dayofyear days_in_month decade epoch epoch_ms
    epoch_ns epoch_us era get_current_time get_current_timestamp hour isodow isoyear julian last_day localtime
    localtimestamp make_date make_time make_timestamp make_timestamp_ms make_timestamp_ns make_timestamptz microsecond
    millennium millisecond minute month monthname nanosecond normalized_interval now quarter second strftime strptime
    time_bucket timezone timezone_hour timezone_minute to_centuries to_days to_decades to_hours to_microseconds
    to_millennia to_milliseconds to_minutes to_months to_quarters to_seconds to_timestamp to_weeks to_years today
    transaction_timestamp try_strptime week weekday weekofyear year yearweek`,
  json: `array_to_json json json_array json_array_length json_each json_exists json_extract
    json_extract_path json_extract_path_text json_extract_string json_group_array json_group_object
    json_keys json_object json_quote json_transform
    json_transform_strict json_tree json_type json_valid json_value row_to_json to_json from_json from_json_strict`,
  list: `array_append array_cat array_concat array_contains array_distinct array_extract array_has array_has_all
    array_has_any array_indexof array_intersect array_length array_pop_back array_pop_front array_position
    array_prepend array_push_back array_push_front array_reverse array_reverse_sort array_slice array_sort
    array_unique array_value array_where array_zip cardinality element_at flatten generate_series grade_up len
    list_any_value list_append list_approx_count_distinct list_avg list_bit_and list_bit_or list_bit_xor list_bool_and
    list_bool_or list_cat list_concat list_contains list_count list_distinct list_element list_entropy list_extract
    list_first list_grade_up list_has list_has_all list_has_any list_histogram list_indexof list_intersect
    list_kurtosis list_kurtosis_pop list_last list_mad list_max list_median list_min list_mode list_pack list_position
    list_prepend list_product list_reverse list_reverse_sort list_select list_sem list_skewness list_slice list_sort
    list_stddev_pop list_stddev_samp list_string_agg list_sum list_unique list_value list_var_pop list_var_samp
    list_where list_zip map map_concat map_contains map_contains_entry map_contains_value map_entries map_extract
    map_extract_value map_from_entries map_keys map_values range row struct_concat struct_contains struct_extract
    struct_extract_at struct_has struct_indexof struct_insert struct_keys struct_pack struct_position struct_values
    unnest`,
  bits: 'get_bit set_bit bit_position gen_random_uuid uuid uuid_extract_timestamp uuid_extract_version uuidv4 uuidv7',
  conditional: 'coalesce greatest if ifnull least nullif pg_typeof typeof',
  aggregate: `any_value approx_count_distinct approx_quantile approx_top_k arbitrary arg_max arg_max_null
    arg_max_nulls_last arg_min arg_min_null arg_min_nulls_last argmax argmin array_agg avg bit_and bit_or bit_xor
    bool_and bool_or corr count count_if countif covar_pop covar_samp entropy favg first fsum geomean
    geometric_mean group_concat histogram histogram_exact kahan_sum kurtosis kurtosis_pop last list listagg mad max
    max_by mean median min min_by mode percentile_cont percentile_disc product quantile quantile_cont quantile_disc
    regr_avgx regr_avgy regr_count regr_intercept regr_r2 regr_slope regr_sxx regr_sxy regr_syy sem skewness stddev
    stddev_pop stddev_samp string_agg sum sum_no_overflow sumkahan var_pop var_samp variance wavg weighted_avg`,
  window: `cume_dist dense_rank fill first_value lag last_value lead nth_value ntile percent_rank rank rank_dense
    row_number`,
}

const names = (text: string): ReadonlySet<string> => new Set(text.trim().split(/\s+/))

export const defaultFunctions: FunctionList = {
  names: names(Object.values(functionGroups).join(' ')),
  exact: new Set(),
}

/** The only functions that may stand in FROM, whatever a list says: others take names of tables or files. */
export const tableFunctions = names('generate_series json_each json_tree range unnest')

/** Operators, which the parser turns into functions. No list rules over them. `GLOB` is none: it takes exponential time. */
export const operators = names(
  '+ - * / % ^ ** // || ~~ !~~ ~~* !~~* ~ !~ ~* !~* -> ->> @> <@ && << >> & | @ ^@ ! !__postfix',
)

/**
 * What the parser makes of plain syntax (`EXTRACT`, `AT TIME ZONE`, `ARRAY[…]`, `INTERVAL 3 DAY`, `SIMILAR TO`):
 * harmless, and allowed under every list (contract §10.2 row 39).
 */
export const syntax = names(
  `date_part timezone row list_value struct_pack position trim ltrim rtrim substring trunc like_escape not_like_escape
  ilike_escape not_ilike_escape regexp_full_match nullif array_agg to_years to_months to_days to_hours to_minutes
  to_seconds to_milliseconds to_microseconds to_weeks to_quarters to_decades to_centuries to_millennia`,
)

/** Functions that the parser renames: what the statement said. */
export const writtenAs: Readonly<Record<string, readonly string[]>> = {
  count_star: ['count'],
  quantile_cont: ['quantile_cont', 'percentile_cont'],
  quantile_disc: ['quantile_disc', 'percentile_disc'],
}

/** Aggregates whose result grows with the frame: over a window their cost is quadratic, inside one uninterruptible step. */
export const notOverWindows = names(
  `array_agg list string_agg listagg group_concat histogram histogram_exact json_group_array
  json_group_object approx_top_k`,
)

/** Functions of time or chance. `age` and `ago` measure from now when they are given one date. */
const passing = names(
  `age ago current_date current_time current_timestamp gen_random_uuid get_current_time get_current_timestamp localtime
  localtimestamp now random today transaction_timestamp uuid uuidv4 uuidv7`,
)

/** Whether a function gives the same for the same, always. One that somebody has added to the list may do anything. */
export function isRepeatable(name: string): boolean {
  const isReviewed = [defaultFunctions.names, operators, syntax].some((list) => list.has(name)) || name in writtenAs
  return isReviewed && !passing.has(name)
}
