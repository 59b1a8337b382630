import i18next, { type BackendModule, type i18n } from "i18next";
import { initReactI18next } from "react-i18next";

/** The languages of the product, the fallback first. */
export const languages = ["en", "de", "cs"] as const;

/** A language of the product (ISO 639-1). */
export type Language = (typeof languages)[number];

/** The catalogues: what both applications say, and each one's own. */
export type Namespace = "kit" | "app" | "admin";

const storageKey = "klapka.language";

const catalogues = import.meta.glob<{ default: object }>("./locales/*/*.json");

/** Loads a catalogue when it is first needed, as a chunk of its own. */
const lazyCatalogues: BackendModule = {
  type: "backend",
  init: () => undefined,
  read(language, namespace, done) {
    const load = catalogues[`./locales/${language}/${namespace}.json`];
    if (!load) {
      done(new Error(`no catalogue ${language}/${namespace}`), null);
      return;
    }
    load().then(
      (module) => done(null, module.default as Record<string, string>),
      (error: unknown) => done(error as Error, null),
    );
  },
};

/** The first language of wishes (BCP 47 tags, best first) that we speak, else English. */
export function pickLanguage(wishes: readonly string[]): Language {
  for (const wish of wishes) {
    const base = wish.toLowerCase().split("-")[0];
    const known = languages.find((l) => l === base);
    if (known) return known;
    // Slovaks read Czech more easily than English.
    if (base === "sk") return "cs";
  }
  return "en";
}

/** Loads the catalogues of the language chosen before, or the browser's. */
export async function startI18n(namespaces: Namespace[]): Promise<i18n> {
  const remembered = localStorage.getItem(storageKey);
  const language = pickLanguage([...(remembered ? [remembered] : []), ...navigator.languages]);
  await i18next
    .use(lazyCatalogues)
    .use(initReactI18next)
    .init({
      lng: language,
      fallbackLng: false,
      ns: namespaces,
      defaultNS: false,
      interpolation: { escapeValue: false }, // React escapes
      returnNull: false,
      react: { useSuspense: false },
    });
  document.documentElement.lang = language;
  return i18next;
}

/** Switches every text at once and remembers the choice in this browser. */
export async function setLanguage(language: Language): Promise<void> {
  await i18next.changeLanguage(language);
  localStorage.setItem(storageKey, language);
  document.documentElement.lang = language;
}
