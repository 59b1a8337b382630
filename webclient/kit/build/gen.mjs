// Writes src/api/schema.gen.ts from the exchange's own description of its API.
// Where that comes from: a file or address as the argument, else the exchange on
// this machine.
import { writeFile } from "node:fs/promises";
import openapiTS, { astToString } from "openapi-typescript";

const source = process.argv[2] ?? "http://localhost:8080/api/openapi.json";
const url = /^https?:/.test(source) ? new URL(source) : new URL(source, `file://${process.cwd()}/`);
const target = new URL("../src/api/schema.gen.ts", import.meta.url);
await writeFile(target, astToString(await openapiTS(url)));
