import { ActionIcon, Text, Tooltip } from "@mantine/core";
import { IconPhone, IconPhoneIncoming, IconPhoneOutgoing, IconPhoneX } from "@tabler/icons-react";
import type { HistoryItem } from "@klapka/kit/api";
import { formatDuration, formatWhen, useLanguage } from "@klapka/kit/i18n";
import { useCauseWords } from "@klapka/kit/ui";
import { useTranslation } from "react-i18next";
import { useCallCommands } from "../calls/commands.ts";
import classes from "./History.module.css";

/** One call: which way, who, when, how long or why not, and calling back. */
export function HistoryRow({ item }: { item: HistoryItem }) {
  const { t } = useTranslation("app");
  const language = useLanguage();
  const commands = useCallCommands();
  const causeWords = useCauseWords();
  const name = item.peer.name || item.peer.number;
  const kind = item.missed ? "missed" : item.direction;
  const Icon = { missed: IconPhoneX, incoming: IconPhoneIncoming, outgoing: IconPhoneOutgoing }[
    kind
  ];
  return (
    <li className={classes.row}>
      <span className={classes.icon} data-kind={kind}>
        <Icon size={20} aria-hidden />
      </span>
      <div className={classes.who}>
        <Text fw={600} truncate>
          {name}
        </Text>
        <Text size="sm" c="dimmed" truncate>
          {t(`history.is.${kind}`)}
          {!item.answered_at && !item.missed && ` · ${causeWords(item.cause.code)}`}
          {item.peer.name && <span className={classes.wide}> · {item.peer.number}</span>}
        </Text>
      </div>
      <div className={classes.when}>
        <Text size="sm">
          <time dateTime={item.started_at}>{formatWhen(item.started_at, language)}</time>
        </Text>
        <Text size="sm" c="dimmed" className="k-digits">
          {item.answered_at && formatDuration(seconds(item.answered_at, item.ended_at))}
        </Text>
      </div>
      <Tooltip label={t("people.call", { name })}>
        <ActionIcon
          size={40}
          radius="xl"
          variant="light"
          color="petrol"
          aria-label={t("people.call", { name })}
          onClick={() => void commands.dial(item.peer.number)}
        >
          <IconPhone size={20} aria-hidden />
        </ActionIcon>
      </Tooltip>
    </li>
  );
}

function seconds(from: string, to: string): number {
  return (Date.parse(to) - Date.parse(from)) / 1000;
}
