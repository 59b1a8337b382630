import { ActionIcon, Button, Stack, TextInput } from "@mantine/core";
import { IconBackspace, IconPhone } from "@tabler/icons-react";
import { useLive } from "@klapka/kit/live";
import { dialable } from "@klapka/kit/ui";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useCallCommands } from "./commands.ts";
import { Keys } from "./Keys.tsx";

/** A number by keys, by typing or by pasting, and the button that calls it. */
export function DialPad() {
  const { t } = useTranslation("app");
  const [text, setText] = useState("");
  const commands = useCallCommands();
  const online = useLive((s) => s.connection === "online");
  const number = dialable(text);
  const call = () => {
    if (!number) return;
    setText("");
    void commands.dial(number);
  };
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        call();
      }}
    >
      <Stack gap="xs">
        <TextInput
          aria-label={t("dial.number")}
          placeholder={t("dial.number")}
          value={text}
          onChange={(event) => setText(event.currentTarget.value)}
          inputMode="tel"
          autoComplete="off"
          size="md"
          styles={{ input: { textAlign: "center", fontSize: "1.2rem" } }}
          rightSection={
            text && (
              <ActionIcon aria-label={t("dial.erase")} onClick={() => setText(text.slice(0, -1))}>
                <IconBackspace size={20} aria-hidden />
              </ActionIcon>
            )
          }
        />
        <Keys onKey={(key) => setText((now) => now + key)} />
        <Button
          type="submit"
          color="green"
          size="md"
          disabled={!number || !online}
          leftSection={<IconPhone size={20} aria-hidden />}
        >
          {t("dial.call")}
        </Button>
      </Stack>
    </form>
  );
}
