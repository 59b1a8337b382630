import { useTranslation } from "react-i18next";
import { pickLanguage, type Language } from "./i18n.ts";

/** The language shown at present; renders when it changes. */
export function useLanguage(): Language {
  return pickLanguage([useTranslation().i18n.language]);
}
