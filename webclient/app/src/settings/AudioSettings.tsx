import { Alert, Button, Group, Input, Select, Slider, Stack, Text } from "@mantine/core";
import { IconBell, IconEar, IconMicrophone } from "@tabler/icons-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useStore } from "zustand";
import { useCallCommands } from "../calls/commands.ts";
import type { DeviceChoice } from "../media/devices.ts";
import { useServices } from "../services.ts";
import { LevelMeter } from "./LevelMeter.tsx";
import { useDeviceList } from "./useDeviceList.ts";

/** The service that sends back what it hears. */
const echoTest = "*43";

/** Which devices, whether they work, and whether one may be notified. */
export function AudioSettings() {
  const { t } = useTranslation("app");
  const { devices } = useServices();
  const choice = useStore(devices);
  const commands = useCallCommands();
  const list = useDeviceList();
  const set = (part: Partial<DeviceChoice>) => devices.setState(part);
  return (
    <Stack>
      {list.locked && (
        <Alert color="blue" icon={<IconMicrophone aria-hidden />}>
          <Stack gap="xs" align="flex-start">
            <Text size="sm">{t("audio.locked")}</Text>
            <Button size="xs" onClick={() => void list.unlock()}>
              {t("audio.allow")}
            </Button>
          </Stack>
        </Alert>
      )}
      <DeviceSelect
        label={t("audio.microphone")}
        devices={list.inputs}
        value={choice.microphone}
        onChange={(microphone) => set({ microphone })}
      />
      {!list.locked && <LevelMeter deviceId={choice.microphone} />}
      <DeviceSelect
        label={t("audio.speaker")}
        devices={list.outputs}
        value={choice.speaker}
        onChange={(speaker) => set({ speaker })}
      />
      <DeviceSelect
        label={t("audio.ringer")}
        devices={list.outputs}
        value={choice.ringer}
        onChange={(ringer) => set({ ringer })}
      />
      <Input.Wrapper label={t("audio.ringVolume")}>
        <Slider
          thumbLabel={t("audio.ringVolume")}
          min={0}
          max={1}
          step={0.05}
          label={(v) => `${Math.round(v * 100)} %`}
          value={choice.ringVolume}
          onChange={(ringVolume) => set({ ringVolume })}
        />
      </Input.Wrapper>
      <Group>
        <Button
          variant="light"
          leftSection={<IconEar size={18} aria-hidden />}
          onClick={() => void commands.dial(echoTest)}
        >
          {t("audio.echo")}
        </Button>
        <NotificationButton />
      </Group>
    </Stack>
  );
}

function DeviceSelect(props: {
  label: string;
  devices: MediaDeviceInfo[];
  value: string;
  onChange: (id: string) => void;
}) {
  const { t } = useTranslation("app");
  const known = props.devices.filter((d) => d.deviceId && d.deviceId !== "default");
  const data = [
    { value: "", label: t("audio.systemDefault") },
    ...known.map((d, i) => ({
      value: d.deviceId,
      label: d.label || t("audio.unnamed", { number: i + 1 }),
    })),
  ];
  return (
    <Select
      label={props.label}
      data={data}
      value={data.some((d) => d.value === props.value) ? props.value : ""}
      onChange={(id) => props.onChange(id ?? "")}
      allowDeselect={false}
    />
  );
}

function NotificationButton() {
  const { t } = useTranslation("app");
  const [permission, setPermission] = useState(() =>
    "Notification" in globalThis ? Notification.permission : "denied",
  );
  if (permission !== "default") {
    return (
      <Text size="sm" c="dimmed">
        {permission === "granted" ? t("audio.notifying") : t("audio.notNotifying")}
      </Text>
    );
  }
  return (
    <Button
      variant="light"
      leftSection={<IconBell size={18} aria-hidden />}
      onClick={() => void Notification.requestPermission().then(setPermission)}
    >
      {t("audio.notify")}
    </Button>
  );
}
