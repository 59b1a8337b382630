// @vitest-environment node
import { resolve } from "node:path";
import { expect, test } from "vitest";
import { stylesLoaded, stylesNeeded } from "../../build/mantine.ts";

const here = (path: string) => resolve(import.meta.dirname, path);
const repository = here("../../../..");
const kit = stylesLoaded(here("styles.ts"));

// A component whose sheet is not loaded looks broken, and only on the pages that
// use it.
test("the client loads the style of every component it shows", () => {
  const needed = stylesNeeded([
    here(".."),
    `${repository}/webclient/app/src`,
    `${repository}/node_modules/@mantine/notifications/esm`,
  ]);
  expect([...needed].filter((name) => !kit.has(name))).toEqual([]);
});

test("the portal loads the style of every component it shows", () => {
  const admin = stylesLoaded(`${repository}/admin/src/styles.ts`);
  const needed = stylesNeeded([
    `${repository}/admin/src`,
    `${repository}/node_modules/mantine-datatable/dist`,
  ]);
  expect([...needed].filter((name) => !kit.has(name) && !admin.has(name))).toEqual([]);
});
