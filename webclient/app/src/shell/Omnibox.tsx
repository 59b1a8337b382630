import { Combobox, Group, Kbd, Text, TextInput, useCombobox } from "@mantine/core";
import { useHotkeys } from "@mantine/hooks";
import { IconPhone, IconSearch } from "@tabler/icons-react";
import { useLive } from "@klapka/kit/live";
import { dialable, LineMark, matches, PersonAvatar } from "@klapka/kit/ui";
import { useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { useCallCommands } from "../calls/commands.ts";

/** How many people the list offers at once. */
const offered = 8;

/** One field for names and numbers: type, Enter, and it rings. */
export function Omnibox() {
  const { t } = useTranslation("app");
  const [text, setText] = useState("");
  const input = useRef<HTMLInputElement>(null);
  const commands = useCallCommands();
  const people = useLive((s) => s.people);
  const combobox = useCombobox({
    onDropdownClose: () => combobox.resetSelectedOption(),
  });
  const focus = () => input.current?.focus();
  useHotkeys([
    ["/", focus],
    ["mod+K", focus],
  ]);
  const query = text.trim();
  const number = dialable(query);
  const found = query
    ? Object.values(people)
        .filter((p) => matches(query, p.name, p.number))
        .slice(0, offered)
    : [];
  const { selectFirstOption } = combobox;
  // Enter takes the first one; it is chosen when the options of this text are there.
  useEffect(() => {
    if (query) selectFirstOption();
  }, [query, selectFirstOption]);
  const call = (to: string) => {
    setText("");
    combobox.closeDropdown();
    input.current?.blur();
    void commands.dial(to);
  };
  const empty = found.length === 0 && !number;
  return (
    <Combobox store={combobox} onOptionSubmit={call} withinPortal={false} shadow="md">
      <Combobox.Target>
        <TextInput
          ref={input}
          aria-label={t("search.label")}
          placeholder={t("search.placeholder")}
          leftSection={<IconSearch size={18} aria-hidden />}
          rightSection={<Kbd aria-hidden>/</Kbd>}
          value={text}
          onChange={(event) => {
            setText(event.currentTarget.value);
            combobox.openDropdown();
          }}
          onFocus={() => query && combobox.openDropdown()}
          onBlur={() => combobox.closeDropdown()}
          autoComplete="off"
        />
      </Combobox.Target>
      <Combobox.Dropdown hidden={!query}>
        <Combobox.Options aria-label={t("search.results")}>
          {found.map((person) => (
            <Combobox.Option key={person.number} value={person.number}>
              <Group gap="sm" wrap="nowrap">
                <PersonAvatar name={person.name} size={30} />
                <Text truncate>{person.name}</Text>
                <Text c="dimmed" className="k-digits">
                  {person.number}
                </Text>
                <div style={{ marginInlineStart: "auto" }}>
                  <LineMark state={person.state} />
                </div>
              </Group>
            </Combobox.Option>
          ))}
          {number && !found.some((p) => p.number === number) && (
            <Combobox.Option value={number}>
              <Group gap="sm">
                <IconPhone size={20} aria-hidden />
                {t("search.call", { number })}
              </Group>
            </Combobox.Option>
          )}
          {empty && <Combobox.Empty>{t("search.nothing")}</Combobox.Empty>}
        </Combobox.Options>
      </Combobox.Dropdown>
    </Combobox>
  );
}
