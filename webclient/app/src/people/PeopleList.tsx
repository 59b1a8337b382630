import { ActionIcon, Text, Tooltip } from "@mantine/core";
import { IconPhone } from "@tabler/icons-react";
import type { Person } from "@klapka/kit/api";
import { Elapsed, LineMark, PersonAvatar } from "@klapka/kit/ui";
import { useVirtualizer } from "@tanstack/react-virtual";
import { useRef } from "react";
import { useTranslation } from "react-i18next";
import { useCallCommands } from "../calls/commands.ts";
import classes from "./People.module.css";

const rowHeight = 64;

/** The people as rows; only those in sight exist, so that thousands scroll smoothly. */
export function PeopleList({ people }: { people: Person[] }) {
  const { t } = useTranslation("app");
  const scroller = useRef<HTMLDivElement>(null);
  // eslint-disable-next-line react-hooks/incompatible-library -- no compiler is used
  const rows = useVirtualizer({
    count: people.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => rowHeight,
    getItemKey: (index) => people[index]?.number ?? index,
    overscan: 8,
    initialRect: { width: 600, height: 800 },
  });
  return (
    <div
      ref={scroller}
      className={classes.scroller}
      tabIndex={0}
      role="region"
      aria-label={t("people.title")}
    >
      <div role="list" style={{ height: rows.getTotalSize(), position: "relative" }}>
        {rows.getVirtualItems().map((row) => {
          const person = people[row.index];
          return person ? (
            <div
              key={row.key}
              role="listitem"
              aria-setsize={people.length}
              aria-posinset={row.index + 1}
              className={classes.row}
              style={{ height: rowHeight, transform: `translateY(${row.start}px)` }}
            >
              <PersonRow person={person} />
            </div>
          ) : null;
        })}
      </div>
    </div>
  );
}

function PersonRow({ person }: { person: Person }) {
  const { t } = useTranslation("app");
  const commands = useCallCommands();
  const name = person.name || person.number;
  const inCall = person.state === "talking" || person.state === "held";
  return (
    <>
      <PersonAvatar name={name} />
      <div className={classes.name}>
        <Text fw={600} truncate>
          {name}
        </Text>
        <Text size="sm" c="dimmed" className="k-digits">
          {person.number}
        </Text>
      </div>
      <div className={classes.state}>
        <LineMark state={person.state} />
        {inCall && (
          <Text component="span" size="sm" c="dimmed">
            <Elapsed since={person.since} />
          </Text>
        )}
      </div>
      <Tooltip label={t("people.call", { name })}>
        <ActionIcon
          size={40}
          radius="xl"
          variant="light"
          color="petrol"
          aria-label={t("people.call", { name })}
          onClick={() => void commands.dial(person.number)}
        >
          <IconPhone size={20} aria-hidden />
        </ActionIcon>
      </Tooltip>
    </>
  );
}
