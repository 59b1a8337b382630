import type { Sound } from "@klapka/kit/api";
import { useLive } from "@klapka/kit/live";
import { Popover, Stack, Text, UnstyledButton } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { advise, grade, gradeOfMos, type Advice, type Grade } from "../media/quality.ts";
import { useMedia } from "../services.ts";
import classes from "./CallCard.module.css";

/**
 * How good the sound of a call is: bars, a word, and on a tap what to do and the
 * figures. Until the exchange has measured, this page's own second counts.
 */
export function QualityBars({ leg }: { leg: string }) {
  const { t } = useTranslation("app");
  const sound = useLive((s) => s.sounds[leg]);
  const quality = useMedia((s) => s.quality);
  const verdict = verdictOf(sound) ?? (quality ? grade(quality) : null);
  if (!verdict) return null;
  const label = t(`quality.${verdict}`);
  return (
    <Popover position="bottom-end" withArrow shadow="md" width={300}>
      <Popover.Target>
        <UnstyledButton className={classes.bars} data-grade={verdict} aria-label={label}>
          <i />
          <i />
          <i />
        </UnstyledButton>
      </Popover.Target>
      <Popover.Dropdown>
        <Stack gap={4}>
          <Text fw={600}>{label}</Text>
          {sound ? (
            <Figures sound={sound} />
          ) : (
            quality && (
              <Text size="sm">
                {t("quality.figures", {
                  loss: Math.round(quality.loss * 100),
                  jitter: Math.round(quality.jitterMs),
                  trip: Math.round(quality.roundTripMs ?? 0),
                })}
              </Text>
            )
          )}
        </Stack>
      </Popover.Dropdown>
    </Popover>
  );
}

/** The worse of both directions, as far as they were measured. */
function verdictOf(sound: Sound | undefined): Grade | null {
  const scores = [sound?.from.mos ?? 0, sound?.to.mos ?? 0].filter((mos) => mos > 0);
  return scores.length > 0 ? gradeOfMos(Math.min(...scores)) : null;
}

const words = {
  none: "quality.adviceNone",
  loss: "quality.adviceLoss",
  jitter: "quality.adviceJitter",
  delay: "quality.adviceDelay",
  microphone: "quality.adviceMicrophone",
} as const satisfies Record<Advice, string>;

function Figures({ sound }: { sound: Sound }) {
  const { t } = useTranslation("app");
  const figures = (way: Sound["from"]) => ({
    mos: way.mos.toFixed(1),
    loss: (way.loss * 100).toFixed(1),
    jitter: Math.round(way.jitter_ms),
  });
  return (
    <>
      <Text size="sm">{t(words[advise(sound)])}</Text>
      {[
        t("quality.hear", figures(sound.to)),
        t("quality.heard", figures(sound.from)),
        t("quality.trip", { trip: Math.round(sound.round_trip_ms), codec: sound.codec }),
      ].map((line) => (
        <Text key={line} size="xs" c="dimmed">
          {line}
        </Text>
      ))}
    </>
  );
}
