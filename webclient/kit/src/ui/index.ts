export { ConnectionLamp } from "./ConnectionLamp.tsx";
export { Elapsed } from "./Elapsed.tsx";
export { LineMark } from "./LineMark.tsx";
export { LanguageSelect, SchemeSelect } from "./LookMenu.tsx";
export { EmptyState, ErrorNotice, useErrorText, Waiting } from "./Notice.tsx";
export { PersonAvatar } from "./PersonAvatar.tsx";
export { useCauseWords } from "./useCauseWords.ts";
export { dialable, fold, matches } from "./search.ts";
