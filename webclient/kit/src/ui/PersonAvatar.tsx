import { Avatar } from "@mantine/core";

/** Ground and letters in the light scheme, exchanged in the dark; AA both ways. */
const tints = [
  ["#cfe8ea", "#0a4c55"],
  ["#f6dfc0", "#6b3f00"],
  ["#dcd9f5", "#3d3590"],
  ["#d3ead6", "#1b5430"],
  ["#f5d5dc", "#86203c"],
  ["#d5e2f3", "#1c4a80"],
] as const;

/** A person's initials on a tint that stays the same for the same person. */
export function PersonAvatar({ name, size = 38 }: { name: string; size?: number }) {
  const [pale, deep] = tints[hash(name) % tints.length] ?? tints[0];
  return (
    <Avatar
      size={size}
      radius="xl"
      aria-hidden
      styles={{
        placeholder: {
          background: `light-dark(${pale}, ${deep})`,
          color: `light-dark(${deep}, ${pale})`,
          fontWeight: 650,
          border: 0,
        },
      }}
    >
      {initials(name)}
    </Avatar>
  );
}

/** The first letters of first and last name, or the last two digits of a number. */
export function initials(name: string): string {
  const words = name.trim().split(/\s+/);
  if (/^[+\d]/.test(name)) return name.slice(-2);
  const letters = [words[0], words.length > 1 ? words.at(-1) : ""];
  return letters
    .map((w) => Array.from(w ?? "")[0] ?? "")
    .join("")
    .toLocaleUpperCase();
}

function hash(text: string): number {
  let sum = 7;
  for (const c of text) sum = (sum * 31 + (c.codePointAt(0) ?? 0)) % 9973;
  return sum;
}
