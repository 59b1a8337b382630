import { ActionIcon, Button, Collapse, Group, Paper, Text, Tooltip } from "@mantine/core";
import {
  IconDialpad,
  IconMicrophone,
  IconMicrophoneOff,
  IconPhoneOff,
  IconPlayerPause,
  IconPlayerPlay,
} from "@tabler/icons-react";
import type { OwnCall } from "@klapka/kit/api";
import { useLive } from "@klapka/kit/live";
import { Elapsed, PersonAvatar } from "@klapka/kit/ui";
import { useState, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { useMedia, useServices } from "../services.ts";
import { useCallCommands } from "./commands.ts";
import { Keys } from "./Keys.tsx";
import { QualityBars } from "./QualityBars.tsx";
import classes from "./CallCard.module.css";

/** A call of the user's that was dialled or answered, with what can be done to it. */
export function CallCard({ call }: { call: OwnCall }) {
  const { t } = useTranslation("app");
  const { identity } = useServices();
  const commands = useCallCommands();
  const detached = useLive((s) => call.leg in s.detached);
  const here = call.device.tab_id === identity.tabId;
  const name = call.peer.name || call.peer.number;
  return (
    <Paper
      component="article"
      className={classes.card}
      data-card
      data-state={call.on_hold ? "held" : call.state}
      aria-label={t("call.with", { name })}
    >
      <Group gap="sm" wrap="nowrap">
        <PersonAvatar name={name} />
        <div className={classes.who}>
          <Text fw={650} truncate>
            {name}
          </Text>
          <Text size="sm" c="dimmed" truncate>
            {call.peer.name ? `${call.peer.number} · ` : ""}
            {t(`call.state.${call.on_hold ? "onHold" : call.state}`)}
          </Text>
        </div>
        {call.answered_at && <Elapsed since={call.answered_at} />}
        {here && call.state === "talking" && <QualityBars leg={call.leg} />}
      </Group>
      {!here && (
        <Group gap="xs" mt={6} justify="space-between" wrap="nowrap">
          <Text size="sm">{place()}</Text>
          {call.device.kind === "browser" && (
            <Button size="xs" variant="light" onClick={() => void commands.continueHere(call.leg)}>
              {t("call.continueHere")}
            </Button>
          )}
        </Group>
      )}
      <CallActions call={call} here={here} />
    </Paper>
  );

  function place(): string {
    if (call.device.kind === "phone") return t("call.onDevice", { device: call.device.name });
    return detached ? t("call.detached") : t("call.inOtherTab");
  }
}

function CallActions({ call, here }: { call: OwnCall; here: boolean }) {
  const { t } = useTranslation("app");
  const { engine } = useServices();
  const muted = useMedia((s) => s.muted);
  const commands = useCallCommands();
  const [keys, setKeys] = useState(false);
  const up = call.answered_at !== null;
  return (
    <>
      <div className={classes.actions}>
        {here && (
          <Toggle
            label={muted ? t("call.unmute") : t("call.mute")}
            on={muted}
            onClick={() => engine.setMuted(!muted)}
          >
            {muted ? <IconMicrophoneOff aria-hidden /> : <IconMicrophone aria-hidden />}
          </Toggle>
        )}
        <Toggle
          label={call.on_hold ? t("call.resume") : t("call.hold")}
          on={call.on_hold}
          disabled={!up || !here}
          onClick={() => void commands.hold(call.leg, !call.on_hold)}
        >
          {call.on_hold ? <IconPlayerPlay aria-hidden /> : <IconPlayerPause aria-hidden />}
        </Toggle>
        <Toggle
          label={t("call.keypad")}
          on={keys}
          disabled={!up || !here}
          onClick={() => setKeys(!keys)}
        >
          <IconDialpad aria-hidden />
        </Toggle>
        <Button
          color="red"
          ms="auto"
          leftSection={<IconPhoneOff size={18} aria-hidden />}
          onClick={() => void commands.hangUp(call.leg)}
        >
          {up ? t("call.hangUp") : t("call.cancel")}
        </Button>
      </div>
      <Collapse expanded={keys && up}>
        <Keys onKey={(key) => void commands.sendDigits(call.leg, key)} mt="sm" />
      </Collapse>
    </>
  );
}

function Toggle(props: {
  label: string;
  on: boolean;
  disabled?: boolean;
  onClick: () => void;
  children: ReactNode;
}) {
  return (
    <Tooltip label={props.label}>
      <ActionIcon
        size={36}
        variant={props.on ? "filled" : "default"}
        color={props.on ? "petrol" : undefined}
        aria-label={props.label}
        aria-pressed={props.on}
        disabled={props.disabled}
        onClick={props.onClick}
      >
        {props.children}
      </ActionIcon>
    </Tooltip>
  );
}
