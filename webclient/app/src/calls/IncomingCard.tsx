import { Button, Group, Kbd, Paper, Text } from "@mantine/core";
import { IconPhone, IconPhoneOff } from "@tabler/icons-react";
import type { OwnCall } from "@klapka/kit/api";
import { PersonAvatar } from "@klapka/kit/ui";
import { useTranslation } from "react-i18next";
import { useCallCommands } from "./commands.ts";
import classes from "./CallCard.module.css";

/** Somebody calls: who, and the two answers. */
export function IncomingCard({ call }: { call: OwnCall }) {
  const { t } = useTranslation("app");
  const commands = useCallCommands();
  // A desk phone is answered by lifting its own receiver.
  const answerable = call.device.kind === "browser";
  const name = call.peer.name || call.peer.number;
  return (
    <Paper
      component="article"
      className={`${classes.card ?? ""} ${classes.incoming ?? ""}`}
      data-card
      data-state="ringing"
      aria-label={t("call.from", { name })}
    >
      <Group gap="sm" wrap="nowrap" role="alert">
        <PersonAvatar name={name} size={46} />
        <div className={classes.who}>
          <Text size="sm">{t("call.incoming")}</Text>
          <Text fw={700} size="lg" truncate>
            {name}
          </Text>
          {call.peer.name && (
            <Text size="sm" className="k-digits">
              {call.peer.number}
            </Text>
          )}
        </div>
      </Group>
      {!answerable && <Text size="sm">{t("call.ringsOn", { device: call.device.name })}</Text>}
      <Group grow gap="xs" mt="sm">
        {answerable && (
          <Button
            color="green"
            h={42}
            px={6}
            leftSection={<IconPhone size={18} aria-hidden />}
            onClick={() => void commands.answer(call.leg)}
          >
            {t("call.answer")}
          </Button>
        )}
        <Button
          color="red"
          h={42}
          px={6}
          leftSection={<IconPhoneOff size={18} aria-hidden />}
          onClick={() => void commands.reject(call.leg)}
        >
          {t("call.decline")}
        </Button>
      </Group>
      <Group gap="xs" mt={8} justify="space-around" visibleFrom="sm" aria-hidden>
        {answerable && <Kbd size="xs">{t("keys.enter")}</Kbd>}
        <Kbd size="xs">{t("keys.escape")}</Kbd>
      </Group>
    </Paper>
  );
}
