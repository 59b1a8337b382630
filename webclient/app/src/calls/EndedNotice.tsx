import { CloseButton, Group, Paper, Text } from "@mantine/core";
import { useLive } from "@klapka/kit/live";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";

/** How long the reason stays, in milliseconds. */
const shown = 8_000;

/** Says why a call ended without a conversation: busy, nobody there, wrong number. */
export function EndedNotice() {
  const { t } = useTranslation(["app", "kit"]);
  const ended = useLive((s) => s.lastEnded);
  const [dismissed, setDismissed] = useState(ended);
  useEffect(() => {
    const timer = setTimeout(() => setDismissed(ended), shown);
    return () => clearTimeout(timer);
  }, [ended]);
  const silent = !ended || ended === dismissed || ended.call.direction === "incoming";
  const plain = ended?.cause.code === "normal" || ended?.cause.code === "cancelled";
  return (
    <div role="status">
      {!silent && !plain && (
        <Paper withBorder p="sm" data-card>
          <Group wrap="nowrap" justify="space-between">
            <div>
              <Text fw={600}>{ended.call.peer.name || ended.call.peer.number}</Text>
              <Text size="sm">{t(`kit:cause.${ended.cause.code}`)}</Text>
            </div>
            <CloseButton aria-label={t("kit:action.close")} onClick={() => setDismissed(ended)} />
          </Group>
        </Paper>
      )}
    </div>
  );
}
