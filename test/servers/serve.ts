// Runs a server for a program that is no test, such as the benchmarks: prints its address, and ends with its standard input.
import { recipes } from "./recipes.ts";
import { startServer } from "./server.ts";

const name = process.argv[2];
const recipe = recipes.find((each) => each.name === name);
if (!recipe)
  throw new Error(`There is no server called ${name}. There are ${recipes.map((each) => each.name).join(", ")}.`);
const server = await startServer(recipe);
process.stdin.resume().once("end", () => void server.stop().then(() => process.exit()));
console.log(server.address);
