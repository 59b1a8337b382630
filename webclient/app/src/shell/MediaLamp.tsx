import { Badge, Tooltip } from "@mantine/core";
import { IconVolumeOff } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import { useMedia } from "../services.ts";

/** Says so when calls would have no sound in this page; silent while all is well. */
export function MediaLamp() {
  const { t } = useTranslation("app");
  const failed = useMedia((s) => s.link === "failed");
  return (
    <span role="status">
      {failed && (
        <Tooltip label={t("media.failedHint")}>
          <Badge
            variant="light"
            color="orange"
            leftSection={<IconVolumeOff size={14} aria-hidden />}
          >
            {t("media.failed")}
          </Badge>
        </Tooltip>
      )}
    </span>
  );
}
