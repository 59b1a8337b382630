export { formatDuration, formatWhen, formatDateTime } from "./format.ts";
export { languages, pickLanguage, setLanguage, startI18n, type Language } from "./i18n.ts";
export { useLanguage } from "./useLanguage.ts";
