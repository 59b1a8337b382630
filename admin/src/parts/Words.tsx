import type { Peer } from "@klapka/kit/api";
import { Badge, Text } from "@mantine/core";
import { IconCircleCheck, IconCircleOff } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";

/** A name with its number, or the number alone. */
export function PeerText({ peer }: { peer: Peer }) {
  return (
    <>
      <Text size="sm" fw={500} truncate>
        {peer.name || peer.number}
      </Text>
      {peer.name && (
        <Text size="xs" c="dimmed" className="k-digits">
          {peer.number}
        </Text>
      )}
    </>
  );
}

/** Whether something may be used, by sign and word. */
export function EnabledBadge({ disabled }: { disabled: boolean }) {
  const { t } = useTranslation("admin");
  return disabled ? (
    <Badge variant="light" color="gray" leftSection={<IconCircleOff size={14} aria-hidden />}>
      {t("list.disabled")}
    </Badge>
  ) : (
    <Badge variant="light" color="green" leftSection={<IconCircleCheck size={14} aria-hidden />}>
      {t("list.enabled")}
    </Badge>
  );
}
