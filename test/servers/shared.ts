// How a test gets at the server of its kind that the whole test run shares.
import { keeperVariable } from "./keeper.ts";

/** The address of the server, which is started when nobody asked before. Rejects where it does not start. */
export async function sharedServer(name: string): Promise<string> {
  const keeper = process.env[keeperVariable];
  if (keeper === undefined) throw new Error("The keeper of the servers does not run: start the tests with npm test.");
  const response = await fetch(`${keeper}/${name}`);
  const text = await response.text();
  if (!response.ok) throw new Error(text);
  return text;
}
