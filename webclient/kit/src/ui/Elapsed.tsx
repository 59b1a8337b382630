import { useEffect, useState } from "react";
import { formatDuration } from "../i18n/format.ts";

/** A running clock since a moment (RFC 3339). Not announced: it changes each second. */
export function Elapsed({ since }: { since: string }) {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    const tick = setInterval(() => setNow(Date.now()), 1000);
    return () => clearInterval(tick);
  }, [since]);
  return (
    <span className="k-digits" role="timer" aria-live="off">
      {formatDuration((now - Date.parse(since)) / 1000)}
    </span>
  );
}
