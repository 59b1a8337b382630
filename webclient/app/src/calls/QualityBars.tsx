import { Tooltip } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { grade } from "../media/quality.ts";
import { useMedia } from "../services.ts";
import classes from "./CallCard.module.css";

/** How good the sound is: bars, a word, and the figures for those who ask. */
export function QualityBars() {
  const { t } = useTranslation("app");
  const quality = useMedia((s) => s.quality);
  if (!quality) return null;
  const verdict = grade(quality);
  const figures = t("quality.figures", {
    loss: Math.round(quality.loss * 100),
    jitter: Math.round(quality.jitterMs),
    trip: Math.round(quality.roundTripMs ?? 0),
  });
  const label = t(`quality.${verdict}`);
  return (
    <Tooltip label={`${label}: ${figures}`}>
      <span className={classes.bars} data-grade={verdict} role="img" aria-label={label}>
        <i />
        <i />
        <i />
      </span>
    </Tooltip>
  );
}
