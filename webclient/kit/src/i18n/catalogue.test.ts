import { describe, expect, test } from "vitest";
import { languages } from "./i18n.ts";

type Texts = Record<string, string>;

const modules = import.meta.glob<{ default: object }>("./locales/*/*.json", { eager: true });

const namespaces = ["kit", "app", "admin"] as const;

/** Texts that are rightly the same in two languages, by key. */
const alike = new Set([
  "admin:devices.qr",
  "admin:nav.status",
  "admin:records.status",
  "admin:registrations.contact",
  "admin:trace.signalling",
  "app:account.menu",
  "app:audio.microphone",
  "app:history.title",
  "app:keys.enter",
  "app:keys.escape",
  "app:nav.admin",
  "app:nav.history",
  "app:setup.email",
]);

describe.each(namespaces)("%s", (namespace) => {
  const english = catalogue("en", namespace);

  test.each(["de", "cs"] as const)("%s says everything English says", (language) => {
    const other = catalogue(language, namespace);
    expect(new Set(Object.keys(other).map(stem))).toEqual(new Set(Object.keys(english).map(stem)));
  });

  test.each(languages)("%s has every plural form its grammar knows", (language) => {
    const texts = catalogue(language, namespace);
    const forms = new Intl.PluralRules(language).resolvedOptions().pluralCategories.toSorted();
    for (const key of new Set(Object.keys(texts).filter(isPlural).map(stem))) {
      const present = forms.filter((form) => `${key}_${form}` in texts);
      expect(present, key).toEqual(forms);
    }
  });

  test.each(["de", "cs"] as const)("%s fills in what English fills in", (language) => {
    for (const [key, text] of Object.entries(catalogue(language, namespace))) {
      const model = english[key] ?? english[`${stem(key)}_other`] ?? "";
      expect(placeholders(text), key).toEqual(placeholders(model));
    }
  });

  test("no text was left in another language", () => {
    const pairs = [
      ["en", "de"],
      ["en", "cs"],
      ["de", "cs"],
    ] as const;
    for (const [one, two] of pairs) {
      const texts = catalogue(two, namespace);
      for (const [key, text] of Object.entries(catalogue(one, namespace))) {
        if (alike.has(`${namespace}:${key}`)) continue;
        expect(texts[key], `${key} in ${one} and ${two}`).not.toBe(text);
      }
    }
  });

  test.each(languages)("%s is typeset as that language is", (language) => {
    for (const [key, text] of Object.entries(catalogue(language, namespace))) {
      expect(text.trim(), key).toBe(text);
      expect(text, `${key}: three dots for an ellipsis`).not.toContain("...");
      expect(text, `${key}: a typewriter's quotation mark`).not.toMatch(/["']/);
    }
  });

  // A one-letter preposition must not end a line in Czech (ČSN 01 6910).
  test("Czech prepositions hold on to their word", () => {
    for (const [key, text] of Object.entries(catalogue("cs", namespace))) {
      expect(text, key).not.toMatch(/(^|[\s(])[ksvzouaiKSVZOUAI] /);
    }
  });
});

function catalogue(language: string, namespace: string): Texts {
  const module = modules[`./locales/${language}/${namespace}.json`];
  if (!module) throw new Error(`no catalogue ${language}/${namespace}`);
  return flat(module.default);
}

function flat(tree: object, prefix = ""): Texts {
  return Object.assign(
    {},
    ...Object.entries(tree).map(([key, value]: [string, unknown]) =>
      typeof value === "string"
        ? { [prefix + key]: value }
        : flat(value as object, `${prefix}${key}.`),
    ),
  ) as Texts;
}

const plural = /_(zero|one|two|few|many|other)$/;

function isPlural(key: string): boolean {
  return plural.test(key);
}

function stem(key: string): string {
  return key.replace(plural, "");
}

function placeholders(text: string): string[] {
  return (text.match(/\{\{\s*\w+\s*\}\}/g) ?? []).toSorted();
}
