import { useTranslation } from "react-i18next";
import type { CauseCode } from "../api/types.ts";

/**
 * The words for why a call ended. A code this version of the page does not know
 * is a fault as far as the reader is concerned.
 */
export function useCauseWords(): (code: string) => string {
  const { t, i18n } = useTranslation("kit");
  return (code) => {
    const known = i18n.exists(`kit:cause.${code}`);
    return t(`cause.${known ? (code as CauseCode) : "fault"}`);
  };
}
