import { lakeContract } from './contract.ts'

lakeContract(process.env.FULL === undefined)
