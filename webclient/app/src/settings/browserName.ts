/** Every browser also names those it wants to be taken for, so the order matters. */
const browsers = [
  ["Edg/", "Edge"],
  ["Firefox/", "Firefox"],
  ["Chrome/", "Chrome"],
  ["Safari/", "Safari"],
] as const;

/** The browser and system people know, out of what a browser says it is. */
export function browserName(userAgent: string): string {
  const browser = browsers.find(([token]) => userAgent.includes(token))?.[1];
  const system = /Windows|Android|iPhone|iPad|Mac OS X|Linux/.exec(userAgent)?.[0];
  const name = browser ?? userAgent.slice(0, 30);
  return system ? `${name}, ${system.replace("Mac OS X", "macOS")}` : name;
}
