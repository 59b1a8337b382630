import type { Language } from "./i18n.ts";

/** The reader's own region of the language shown (en-GB, de-AT), if the browser names one. */
function regional(language: Language): string {
  return navigator.languages.find((tag) => tag.split("-")[0] === language) ?? language;
}

/** A length of time as on a clock: 0:07, 12:34, 1:02:03. */
export function formatDuration(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const two = (n: number) => String(n).padStart(2, "0");
  return h > 0 ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}

/**
 * A moment as people say it: the time today, "yesterday" with the time, else the
 * date with the time.
 */
export function formatWhen(at: string, language: Language, now = new Date()): string {
  const locale = regional(language);
  const then = new Date(at);
  const time = new Intl.DateTimeFormat(locale, { timeStyle: "short" }).format(then);
  const days = Math.round((midnight(now) - midnight(then)) / 86_400_000);
  if (days === 0) return time;
  if (days === 1) {
    const yesterday = new Intl.RelativeTimeFormat(language, { numeric: "auto" }).format(-1, "day");
    return `${yesterday} ${time}`;
  }
  const sameYear = then.getFullYear() === now.getFullYear();
  const date = new Intl.DateTimeFormat(locale, {
    day: "numeric",
    month: "short",
    ...(sameYear ? {} : { year: "numeric" }),
  }).format(then);
  return `${date} ${time}`;
}

/** A moment to the second, for lists that are compared with logs. */
export function formatDateTime(at: string, language: Language): string {
  const style = { dateStyle: "short", timeStyle: "medium" } as const;
  return new Intl.DateTimeFormat(regional(language), style).format(new Date(at));
}

function midnight(date: Date): number {
  return Date.UTC(date.getFullYear(), date.getMonth(), date.getDate());
}
