// Opens a table of StoragePostgres in the child processes of the contract.
import { postgres } from "../places/postgres.ts";

export default postgres.open;
