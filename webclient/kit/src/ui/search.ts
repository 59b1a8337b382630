/**
 * Text as people type it when they search: lower case, without accents, German
 * umlauts also as two letters ("schaefer" finds Schäfer, "novak" Nováková).
 */
export function fold(text: string): string {
  return text.toLocaleLowerCase().replace(/ß/g, "ss").normalize("NFD").replace(/\p{M}/gu, "");
}

function foldGerman(text: string): string {
  const pairs: Record<string, string> = { ä: "ae", ö: "oe", ü: "ue" };
  return fold(
    text
      .toLocaleLowerCase()
      .normalize("NFC")
      .replace(/[äöü]/g, (c) => pairs[c] ?? c),
  );
}

/** Whether every word of the query begins a word of one of the texts. */
export function matches(query: string, ...texts: string[]): boolean {
  const hay = texts
    .flatMap((t) => [fold(t), foldGerman(t)])
    .join(" ")
    .split(/[^\p{L}\p{N}+*#]+/u);
  return fold(query)
    .split(/\s+/)
    .filter(Boolean)
    .every((word) => hay.some((h) => h.startsWith(word)));
}

/**
 * The number in a text somebody pasted, or null if it holds none: separators go,
 * a leading +, and the * and # of codes stay.
 */
export function dialable(text: string): string | null {
  const bare = text
    .trim()
    .replace(/^tel:/i, "")
    .replace(/\(0\)/g, "")
    .replace(/[\s\-–./()]/g, "");
  return /^(\+?\d{2,}|[*#\d]{2,})$/.test(bare) ? bare : null;
}
