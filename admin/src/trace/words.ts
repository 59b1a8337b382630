import { useCauseWords } from "@klapka/kit/ui";
import { formatDateTime, useLanguage } from "@klapka/kit/i18n";
import type { TraceEntry } from "@klapka/kit/api";
import { useTranslation } from "react-i18next";

/** The sentence for each code of a decision; some depend on a particular. */
const sentences = {
  "bridge.joined": () => "bridgeJoined",
  "bridge.left": () => "bridgeLeft",
  "call.answered": () => "callAnswered",
  "call.ended": () => "callEnded",
  "call.refused": () => "callRefused",
  "call.started": () => "callStarted",
  "leg.answered": () => "legAnswered",
  "leg.ended": () => "legEnded",
  "leg.held": (p) => (p.held === "true" ? "legHeld" : "legResumed"),
  "leg.ringing": () => "legRinging",
  "leg.started": (p) => (p.direction === "incoming" ? "legIncoming" : "legOutgoing"),
  device: (p) => deviceSentence(p),
  move: () => "move",
  no_devices: () => "noDevices",
} satisfies Record<string, (params: Params) => Sentence>;

/** The sentences of the catalogue. */
type Sentence =
  | "bridgeJoined"
  | "bridgeLeft"
  | "callAnswered"
  | "callEnded"
  | "callRefused"
  | "callStarted"
  | "deviceExpired"
  | "deviceNotAsked"
  | "deviceNotRegistered"
  | "deviceNotRung"
  | "deviceOwnLine"
  | "deviceRung"
  | "legAnswered"
  | "legEnded"
  | "legHeld"
  | "legIncoming"
  | "legOutgoing"
  | "legResumed"
  | "legRinging"
  | "move"
  | "noDevices";

type Params = TraceEntry["params"];

function deviceSentence({ state, at }: Params): Sentence {
  switch (state) {
    case "rung":
      return "deviceRung";
    case "not_registered":
      return at ? "deviceExpired" : "deviceNotRegistered";
    case "own_line":
      return "deviceOwnLine";
    case "not_asked":
      return "deviceNotAsked";
    default:
      return "deviceNotRung";
  }
}

/** Which sentence of the catalogue tells a decision; null: none does yet. */
export function sentenceOf({
  title,
  params,
}: Pick<TraceEntry, "title" | "params">): Sentence | null {
  return title in sentences ? sentences[title as keyof typeof sentences](params) : null;
}

const reasons = [
  "authentication",
  "banned",
  "challenge",
  "digest",
  "disabled",
  "limit",
  "loop",
  "malformed",
  "manual",
  "replaces",
  "stopping",
] as const;

/** The words for why somebody was refused or banned; what has none is shown as it is. */
export function useReasonWords(): (reason: string) => string {
  const { t } = useTranslation("admin");
  return (reason) => {
    const known = reasons.find((r) => r === reason);
    return known ? t(`reason.${known}`) : reason;
  };
}

/** What a sentence names and an entry may leave out. */
const unsaid = {
  codec: "",
  dialled: "",
  error: "",
  extension: "",
  number: "",
  remote: "",
  to: "",
  username: "",
};

/** The words for an entry: those of a decision, or the message's own start. */
export function useEntryWords(): (entry: TraceEntry) => string {
  const { t } = useTranslation("admin");
  const causeWords = useCauseWords();
  const reasonWords = useReasonWords();
  const language = useLanguage();
  return (entry) => {
    const sentence = entry.kind === "decision" ? sentenceOf(entry) : null;
    if (!sentence) return entry.title;
    const { cause, reason, at, name, by, from, ...rest } = entry.params;
    return t(`decision.${sentence}`, {
      ...unsaid,
      ...rest,
      from: from ?? "",
      by: by ?? name ?? "",
      name: name ?? by ?? "",
      cause: cause ? causeWords(cause) : "",
      reason: reason ? reasonWords(reason) : "",
      at: at && !Number.isNaN(Date.parse(at)) ? formatDateTime(at, language) : (at ?? ""),
    });
  };
}
