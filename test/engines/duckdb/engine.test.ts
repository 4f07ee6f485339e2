import { engineSuite } from '../../suites/engine/index.ts'
import { openDuckdb } from './open.ts'

engineSuite('duckdb', openDuckdb)
