import { Stack, Title, VisuallyHidden } from "@mantine/core";
import { useLive } from "@klapka/kit/live";
import { useTranslation } from "react-i18next";
import { useShallow } from "zustand/react/shallow";
import { DialPad } from "./DialPad.tsx";
import { CallCard } from "./CallCard.tsx";
import { IncomingCard } from "./IncomingCard.tsx";
import { EndedNotice } from "./EndedNotice.tsx";
import { dockCalls, isWaiting } from "./order.ts";
import classes from "./CallDock.module.css";

/** The user's calls, always in sight, and the dial pad beneath them. */
export function CallDock() {
  const { t } = useTranslation("app");
  const calls = useLive(useShallow(dockCalls));
  return (
    <aside className={classes.dock} aria-label={t("dock.label")} data-busy={calls.length > 0}>
      <VisuallyHidden>
        <Title order={2}>{t("dock.label")}</Title>
      </VisuallyHidden>
      <Stack gap="sm">
        <EndedNotice />
        {calls.map((call) =>
          isWaiting(call) ? (
            <IncomingCard key={call.leg} call={call} />
          ) : (
            <CallCard key={call.leg} call={call} />
          ),
        )}
      </Stack>
      <div className={classes.pad}>
        <DialPad />
      </div>
    </aside>
  );
}
