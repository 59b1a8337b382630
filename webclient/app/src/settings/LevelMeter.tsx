import { Group, Text } from "@mantine/core";
import { useEffect, useRef } from "react";
import { useTranslation } from "react-i18next";
import { openMicrophone } from "../media/devices.ts";
import { watchLevel } from "../media/level.ts";
import classes from "./LevelMeter.module.css";

/** How loud the microphone hears, while the page is open. */
export function LevelMeter({ deviceId }: { deviceId: string }) {
  const { t } = useTranslation("app");
  const bar = useRef<HTMLDivElement>(null);
  useEffect(() => {
    let stop: (() => void) | undefined;
    let gone = false;
    openMicrophone(deviceId).then(
      (stream) => {
        const end = watchLevel(stream, show);
        stop = () => {
          end();
          stream.getTracks().forEach((track) => track.stop());
        };
        if (gone) stop();
      },
      () => show(0),
    );
    // Thirty times a second: written to the element, not through a render.
    function show(level: number) {
      bar.current?.style.setProperty("--level", level.toFixed(2));
    }
    return () => {
      gone = true;
      stop?.();
    };
  }, [deviceId]);
  return (
    <Group gap="sm" wrap="nowrap">
      <div ref={bar} className={classes.meter} role="img" aria-label={t("audio.level")}>
        <div className={classes.fill} />
      </div>
      <Text size="sm" c="dimmed">
        {t("audio.speak")}
      </Text>
    </Group>
  );
}
