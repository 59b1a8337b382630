import { Tooltip } from "@mantine/core";
import { IconCloudCheck, IconCloudOff, IconRefresh } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import { useLive } from "../live/context.ts";
import type { Connection } from "../live/store.ts";
import classes from "./ConnectionLamp.module.css";

const icons = {
  connecting: IconRefresh,
  online: IconCloudCheck,
  offline: IconCloudOff,
  signed_out: IconCloudOff,
} satisfies Record<Connection, unknown>;

/** Whether what the page shows is live. Says so in words when it is not. */
export function ConnectionLamp() {
  const { t } = useTranslation("kit");
  const connection = useLive((s) => s.connection);
  const Icon = icons[connection];
  return (
    <Tooltip label={t(`connection.${connection}Hint`)}>
      <span className={classes.lamp} data-state={connection} role="status">
        <Icon size={18} aria-hidden />
        <span className={connection === "online" ? classes.quiet : undefined}>
          {t(`connection.${connection}`)}
        </span>
      </span>
    </Tooltip>
  );
}
