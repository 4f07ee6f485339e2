const NUMBERS =
  '5,1.5,2.50,-0.5,0.125,1e3,1.5e-1,.5,1.,+1, 7,0007,1.0,2.0000,-0,12345678901234567890,1234567890.123456789,abc,-,--1,NaN,inf'
const DAYS =
  '2020-01-01,0000-01-01,0001-01-01,2020-02-30,31/12/2020,12/31/2020,01/01/0000,20200101,2020-1-5,infinity,0044-03-15 (BC),12020-01-01,2020-01-01T00:00:00'
const MOMENTS =
  '2020-01-01T10:00:00,2020-01-01 10:00,2020-01-01Z 11:00:00,Z2020-01-01 10:00:00,2020-01-01 Z10:00:00,T2020-01-01 10:00:00,2020-01-01T10:00:00Z,2020-01-01 10:00:00 Z,2020-01-01 10:00:00+02,2020-01-01T10:00:00.5+05:30,0044-03-15 (BC) 10:00:00,0000-01-01T10:00:00,2020-01-01T24:00:00,2020-01-01T10:00:60,2020-01-01T10:00:00.123456,12020-01-01 10:00:00,now,infinity'
const TRUTHS = 'true,T,yes,1,0,2,on,tr,nope,FALSE'

/** Texts by the type of the column that they are written to, separated by commas. */
export const texts: Readonly<Record<string, string>> = {
  int2: NUMBERS,
  int8: NUMBERS,
  numeric: NUMBERS,
  'numeric(6,2)': NUMBERS,
  float8: NUMBERS,
  bool: TRUTHS,
  date: DAYS,
  timestamp: `${DAYS},${MOMENTS}`,
  timestamptz: `${DAYS},${MOMENTS}`,
}
